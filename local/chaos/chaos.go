// Package chaos runs a stack at load while faults of every kind come and go, drawn from a seed, and then has the
// audit say whether each record got its verdict all the same.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"feedstream/local/audit"
	"feedstream/local/invoke"
	"feedstream/local/services/fault"
	"feedstream/local/stack"
)

// Config says how long a stack is ill-treated.
type Config struct {
	Stack    stack.Config
	Seed     uint64
	Duration time.Duration // of load and faults
	Rate     float64       // records per second
	// Rules are those that are drawn from; none means Rules().
	Rules []string
	// Others are faults beside the rules. The load goes on for as long as the last one takes, beyond Duration.
	Others []Disturbance
	// Tell, when not nil, hears of each combination of rules, and of what happened beside them.
	Tell func(format string, args ...any)
}

// Result is what a run did, and what the audit found.
type Result struct {
	Seed     uint64
	Injected map[string]int // by what the rules name, and by the names of the others
	Repeated int            // pushes of enrich beyond the first one of each batch
	audit.Report
}

// enrich is the function that the stream pushes to.
const enrich = "feed-enrich"

// What of the feed is set aside, and of unknown stocks.
const (
	badRatio     = 0.05
	unknownRatio = 0.05
)

// A combination has at most so many rules, and holds for a time between these.
const (
	most     = 6
	shortest = 300 * time.Millisecond
	longest  = 2 * time.Second
)

// impatience is how long a push that failed waits at most, and the reference stays as it is.
const impatience = 300 * time.Millisecond

// settleTime is how long the last records may take once nothing goes wrong any more.
const settleTime = 3 * time.Minute

// lives is how often the stack of a run is stopped and started on its data, with faults in force.
const lives = 2

// Run is one run on a stack of its own. That the audit is not balanced is in the result; an error says why there
// is none.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if len(cfg.Rules) == 0 {
		cfg.Rules = Rules()
	}
	if cfg.Tell == nil {
		cfg.Tell = func(string, ...any) {}
	}
	r := &run{cfg: cfg, luck: rand.New(rand.NewPCG(cfg.Seed, 1)), result: Result{Seed: cfg.Seed, Injected: map[string]int{}}}
	r.rules = deck[string]{luck: r.luck, all: cfg.Rules}
	r.others = newOthers(cfg.Seed, cfg.Others, cfg.Tell)
	for life := 1; life <= lives; life++ {
		if err := r.live(ctx, life == lives); err != nil {
			return nil, err
		}
	}
	maps.Copy(r.result.Injected, r.others.made)
	return &r.result, nil
}

// run is one run.
type run struct {
	cfg    Config
	stack  *stack.Stack
	luck   *rand.Rand
	rules  deck[string]
	others *others
	result Result
}

// live starts the stack, ill-treats it and stops it; the last time with all verdicts and an audit between.
func (r *run) live(ctx context.Context, last bool) (err error) {
	if r.stack, err = stack.Start(ctx, r.cfg.Stack); err != nil {
		return err
	}
	defer func() {
		r.count(r.stack.Faults())
		r.result.Repeated += r.failed()
		err = errors.Join(err, r.stack.Close())
	}()
	if err := r.illTreat(ctx); err != nil {
		return err
	}
	if !last {
		return r.set(r.draw()...) // it is stopped with faults in force
	}
	if err := r.settle(ctx); err != nil {
		return err
	}
	t := r.stack.Target()
	if r.result.Report, err = audit.Feed(ctx, &t, audit.Bound{}, audit.Bound{}); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// illTreat publishes, refreshes, disturbs, and sets one combination of rules after the other. None is in force when it
// returns.
func (r *run) illTreat(ctx context.Context) error {
	disturbing, enough := context.WithTimeout(ctx, r.cfg.Duration/lives)
	defer enough()
	feeding, stop := context.WithCancel(ctx)
	defer stop()
	published := make(chan error, 1)
	go func() {
		published <- r.stack.Publish(feeding, stack.Feed{Rate: r.cfg.Rate, BadRatio: badRatio, UnknownRatio: unknownRatio, Seed: r.cfg.Seed})
	}()
	refreshed := make(chan struct{})
	go func() {
		defer close(refreshed)
		r.refresh(feeding)
	}()
	disturbed := make(chan error, 1)
	loaded, end := context.WithCancel(ctx)
	go func() {
		defer end()
		disturbed <- r.others.run(ctx, disturbing)
	}()
	var err error
	for err == nil && loaded.Err() == nil {
		err = r.combine(loaded)
	}
	enough()
	err = errors.Join(err, <-disturbed, r.set())
	stop() // not before: a feed that ends needs servers that answer
	<-refreshed
	return errors.Join(err, <-published)
}

// draw is a combination of rules.
func (r *run) draw() []string {
	rules := make([]string, 1+r.luck.IntN(most))
	for i := range rules {
		rules[i] = r.rules.draw()
	}
	return rules
}

// combine sets a combination of rules and has it hold for a while.
func (r *run) combine(ctx context.Context) error {
	rules := r.draw()
	if err := r.set(rules...); err != nil {
		return err
	}
	r.cfg.Tell("%s", strings.Join(rules, "; "))
	hold, cancel := context.WithTimeout(ctx, shortest+time.Duration(r.luck.Int64N(int64(longest-shortest))))
	defer cancel()
	ticker := time.NewTicker(impatience)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			r.stack.RetryNow() // an hour of back-off would be an hour without faults
		case <-hold.Done():
			return nil
		}
	}
}

// set puts rules in the place of those before, and counts what those have done.
func (r *run) set(rules ...string) error {
	before, err := r.stack.SetFaults(r.luck.Uint64(), rules...)
	r.count(before)
	return err
}

func (r *run) count(done []fault.Injected) {
	for _, each := range done {
		r.result.Injected[kind(each.Rule)] += each.Times
		if each.Rule.Call == "push.repeat" || each.Rule.Call == "push.concurrent" {
			r.result.Repeated += each.Times
		}
	}
}

// kind is what a rule does, without how often.
func kind(rule fault.Rule) string {
	rule.Share, rule.Count, rule.Delay = 0, 0, 0
	return rule.String()
}

// refresh has the reference read anew all the time. A refresh that a fault fails is what it is for.
func (r *run) refresh(ctx context.Context) {
	endpoints := r.stack.Endpoints()
	ticker := time.NewTicker(impatience)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_, _ = invoke.Of(&endpoints).Timer(endpoints.Names.Refresh, "refresh")
		case <-ctx.Done():
			return
		}
	}
}

// settle waits for the last verdict. Nothing goes wrong any more, so no push has a reason to wait.
func (r *run) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	settled := make(chan error, 1)
	go func() { settled <- r.stack.Settle(ctx) }()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case err := <-settled:
			return err
		case <-ticker.C:
			r.stack.RetryNow()
		}
	}
}

// failed counts the pushes of this life that failed: each comes again.
func (r *run) failed() (n int) {
	for _, f := range r.stack.Status().Functions {
		if f.Name == enrich {
			n += int(f.Errors)
		}
	}
	return n
}

// Render writes the result as tables for people.
func (r *Result) Render(w io.Writer) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{fmt.Sprintf("fault, seed %d", r.Seed), "injected"})
	total := 0
	for _, name := range slices.Sorted(maps.Keys(r.Injected)) {
		t.AppendRow(table.Row{name, r.Injected[name]})
		total += r.Injected[name]
	}
	t.AppendFooter(table.Row{"all", total})
	t.Render()
	fmt.Fprintf(w, "records %d, pushes repeated %d\n", r.Published, r.Repeated)
	r.Report.Render(w)
}
