package stack

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/manifest"
	"feedstream/local/platform/runtime"
	"feedstream/local/platform/stream"
	"feedstream/local/services/fault"
	"feedstream/local/services/hbase"
	"feedstream/local/services/kafka"
	"feedstream/local/services/mongodb"
	"feedstream/local/services/oss"
	"feedstream/local/target"
)

// Words that only one service knows: how the body of an object is spoilt, and of which actions of a batch an
// error is the answer, in place of a region's.
const (
	truncate = "truncate"
	corrupt  = "corrupt"
	first    = "first" // the first action of each region; the others are done
	whole    = "whole" // all regions
)

// What a fault of the platform lasts when its rule does not say it.
const (
	timeoutOf = 20 * time.Millisecond
	holdBack  = 2 * time.Second
)

// functionFaults are those of each function's instances.
var functionFaults = []fault.Call{
	{Name: "kill", Words: []string{fault.WordAfter, fault.WordDelay}},
	{Name: "timeout", Words: []string{fault.WordDelay}},
	{Name: "freeze", Words: []string{fault.WordDelay}, Needs: []string{fault.WordDelay}},
}

// platformFaults are those of the event stream, and of the clock by which the simulated feed dates its events
// against that of the functions: what runs in a process of its own has no clock that another could set.
var platformFaults = []fault.Target{
	{Name: "push", Calls: []fault.Call{
		{Name: "throttle"}, {Name: "repeat"}, {Name: "concurrent"}, {Name: "reorder", Words: []string{fault.WordDelay}},
	}},
	{Name: "stream", Calls: []fault.Call{{Name: "rebalance"}}},
	{Name: "clock", Calls: []fault.Call{{Words: []string{fault.WordShift}, Needs: []string{fault.WordShift}}}},
}

// faults are the rules that a stack plays.
type faults struct {
	targets     []fault.Target
	plan        atomic.Pointer[fault.Plan] // nil: nothing goes wrong
	joining     sync.Mutex                 // held by the rebalance under way
	rebalance   func(context.Context)
	rebalancing sync.WaitGroup
	ctx         context.Context // of rebalances
	cancel      context.CancelFunc
}

// faultTargets are what rules may be about: the embedded services, but for those named elsewhere, and the platform.
func faultTargets(elsewhere *target.Target, m *manifest.Manifest) []fault.Target {
	var targets []fault.Target
	for _, service := range []struct {
		is     target.Service
		served fault.Target
	}{
		{target.Kafka, kafka.Faults()},
		{target.HBase, hbase.Faults().Also(first, whole)},
		{target.OSS, oss.Faults(truncate, corrupt)},
		{target.MongoDB, mongodb.Faults()},
	} {
		if !elsewhere.Has(service.is) {
			targets = append(targets, service.served)
		}
	}
	for _, f := range m.Functions {
		targets = append(targets, fault.Target{Name: shortName(f.Name), Calls: functionFaults})
	}
	return append(targets, platformFaults...)
}

// shortName is what a rule calls a function.
func shortName(function string) string { return strings.TrimPrefix(function, "feed-") }

// next is the rule that happens to a call of a target, if one does.
func (f *faults) next(of, call string) (fault.Rule, bool) {
	plan := f.plan.Load()
	if plan == nil {
		return fault.Rule{}, false // the way of every call of a stack without faults
	}
	return plan.Rule(of + call)
}

// instance is the fault of a request that an instance runs.
func (f *faults) instance(function string) (out runtime.Fault) {
	name := shortName(function)
	if rule, happens := f.next(name, ".kill"); happens {
		out.Kill, out.Lost, out.After = true, rule.When == fault.After, rule.Delay
	}
	if rule, happens := f.next(name, ".timeout"); happens {
		out.Timeout = cmp.Or(rule.Delay, timeoutOf)
	}
	if rule, happens := f.next(name, ".freeze"); happens {
		out.Freeze = rule.Delay
	}
	return out
}

// push is the fault of a push.
func (f *faults) push() (out stream.Fault) {
	_, out.Throttle = f.next("push", ".throttle")
	_, out.Repeat = f.next("push", ".repeat")
	_, out.Concurrent = f.next("push", ".concurrent")
	if rule, happens := f.next("push", ".reorder"); happens {
		out.Reorder = cmp.Or(rule.Delay, holdBack)
	}
	if _, happens := f.next("stream", ".rebalance"); happens {
		f.rebalancing.Go(func() { f.rebalance(f.ctx) })
	}
	return out
}

// now is the clock of the simulated feed.
func (f *faults) now() time.Time {
	rule, _ := f.next("clock", "")
	return time.Now().Add(rule.Delay)
}

// stop has nothing go wrong any more; wait comes once nobody asks for faults, and returns when none is under way.
func (f *faults) stop() {
	f.plan.Store(nil)
	f.cancel()
}

func (f *faults) wait() { f.rebalancing.Wait() }

// inject has the embedded services ask for the faults of their calls.
func (s *services) inject(f *faults) {
	if s.kafka != nil {
		s.kafka.Fault(func(c kafka.Call) fault.Fault {
			rule, _ := f.next("kafka.", c.Name)
			return rule.Fault
		})
	}
	if s.hbase != nil {
		s.hbase.Fault(func(c hbase.Call) hbase.Fault {
			rule, _ := f.next("hbase.", c.Name)
			out := hbase.Fault{Fault: rule.Fault, WholeCall: rule.Own == whole}
			if rule.Own == first {
				out.FailActions, out.Err = map[int]string{0: rule.Err}, ""
			}
			return out
		})
	}
	if s.oss != nil {
		s.oss.Fault(func(c oss.Call) oss.Fault {
			rule, _ := f.next("oss.", c.Name)
			return oss.Fault{Fault: rule.Fault, Truncate: rule.Own == truncate, Corrupt: rule.Own == corrupt}
		})
	}
	if s.mongodb != nil {
		s.mongodb.Fault(func(c mongodb.Command) fault.Fault {
			rule, _ := f.next("mongodb.", c.Name)
			return rule.Fault
		})
	}
}

// prepareFaults reads the rules that the stack begins with; they hold from startFaults on.
func (s *Stack) prepareFaults(elsewhere *target.Target, m *manifest.Manifest) ([]fault.Rule, error) {
	s.faults = &faults{targets: faultTargets(elsewhere, m), rebalance: s.rebalance}
	s.faults.ctx, s.faults.cancel = context.WithCancel(context.Background())
	return fault.ParseAll(s.cfg.Faults, s.faults.targets)
}

// startFaults comes after the first reference: a stack that runs is what faults are for.
func (s *Stack) startFaults(rules []fault.Rule) {
	s.services.inject(s.faults)
	if len(rules) > 0 {
		s.faults.plan.Store(fault.Seeded(s.cfg.FaultSeed, rules...))
	}
}

// SetFaults has these rules, as package fault reads them, take the place of those before, and says how often
// those have happened. With no rules nothing goes wrong any more. Shares are drawn from the seed.
func (s *Stack) SetFaults(seed uint64, rules ...string) ([]fault.Injected, error) {
	parsed, err := fault.ParseAll(rules, s.faults.targets)
	if err != nil {
		return nil, err
	}
	var plan *fault.Plan
	if len(parsed) > 0 {
		plan = fault.Seeded(seed, parsed...)
	}
	return injected(s.faults.plan.Swap(plan)), nil
}

// Faults are the rules that hold, and how often each has happened.
func (s *Stack) Faults() []fault.Injected { return injected(s.faults.plan.Load()) }

func injected(p *fault.Plan) []fault.Injected {
	if p == nil {
		return nil
	}
	return p.Injected()
}

// rebalanceTime bounds how long another member waits for its share of the partitions.
const rebalanceTime = 30 * time.Second

// rebalance has another member join the trigger's group until it is given partitions, and leave with nothing done.
func (s *Stack) rebalance(ctx context.Context) {
	if !s.faults.joining.TryLock() {
		return // one is at it
	}
	defer s.faults.joining.Unlock()
	if err := s.joinAndLeave(ctx); err != nil && ctx.Err() == nil {
		s.logger.Warn("the rebalance of a fault rule did not come about", "error", err)
	}
}

func (s *Stack) joinAndLeave(ctx context.Context) error {
	options, err := s.target.KafkaOptions()
	if err != nil {
		return err
	}
	given := make(chan struct{}, 1)
	client, err := kgo.NewClient(slices.Concat(options, []kgo.Opt{
		kgo.ConsumerGroup(s.target.Names.Group), kgo.ConsumeTopics(s.target.Names.Topics.Input), kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			if len(parts) > 0 {
				select {
				case given <- struct{}{}:
				default: // it was told
				}
			}
		}),
	})...)
	if err != nil {
		return fmt.Errorf("join the group %s: %w", s.target.Names.Group, err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, rebalanceTime)
	defer cancel()
	select {
	case <-given:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for partitions of the group %s: %w", s.target.Names.Group, ctx.Err())
	}
}

// RetryNow ends the waits of all pushes that failed.
func (s *Stack) RetryNow() { s.platform.RetryNow() }
