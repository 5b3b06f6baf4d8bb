package fault

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

// Rule is a fault and the calls that it happens to.
type Rule struct {
	Call  string  // name of a call as the service's Calls lists them, in any case; empty means every call
	Share float64 // of these calls, between 0 and 1; 0 means all of them
	Count int     // to how many calls it happens; 0 means to all
	Own   string  // what only the service of the call knows, by its word for it
	Fault
}

// Injected is a rule and how often it has happened.
type Injected struct {
	Rule  Rule
	Times int
}

// Plan plays rules. It may be asked from many goroutines.
type Plan struct {
	mu    sync.Mutex
	rules []Injected
	luck  *rand.Rand
}

// NewPlan makes a plan of which nothing has happened yet. It refuses a rule about a call, or with an error, that its
// target does not have: such a rule would never happen, and a test that waits for it would prove nothing.
func NewPlan(of Target, rules ...Rule) (*Plan, error) {
	for _, rule := range rules {
		if err := rule.check(of); err != nil {
			return nil, fmt.Errorf("fault rule %q of %s: %w", rule, of.Name, err)
		}
	}
	return Seeded(0, rules...), nil
}

// MustPlan is NewPlan of rules that stand in the code; it panics where NewPlan refuses.
func MustPlan(of Target, rules ...Rule) *Plan {
	p, err := NewPlan(of, rules...)
	if err != nil {
		panic(err)
	}
	return p
}

// check holds a rule against a target. Its call is written without the target.
func (r Rule) check(of Target) error {
	if r.Share < 0 || r.Share > 1 || r.Count < 0 {
		return fmt.Errorf("a share of %v, a count of %d: a share lies between 0 and 1, a count is not negative", r.Share, r.Count)
	}
	if len(of.Calls) == 0 {
		return errors.New("the target has no calls")
	}
	call := of.Calls[0]
	if r.Call != "" {
		var err error
		if _, call, err = find(of.Name+"."+r.Call, []Target{of}); err != nil {
			return err
		}
	}
	if r.Err == "" {
		return nil
	}
	_, err := call.erring(r.Err)
	return err
}

// Seeded makes a plan of rules that Parse has read, with a seed for the shares: the same seed draws the same calls,
// asked for in the same order.
func Seeded(seed uint64, rules ...Rule) *Plan {
	p := &Plan{luck: rand.New(rand.NewPCG(seed, 0))}
	for _, rule := range rules {
		p.rules = append(p.rules, Injected{Rule: rule})
	}
	return p
}

// Next is the fault of a call: that of the first rule which happens to it.
func (p *Plan) Next(call string) Fault {
	rule, _ := p.Rule(call)
	return rule.Fault
}

// Rule is the first rule that happens to a call: it is about it, not used up, and drawn if it has a share.
func (p *Plan) Rule(call string) (rule Rule, happens bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.rules {
		if each := &p.rules[i]; each.concerns(call) && (each.Rule.Share == 0 || p.luck.Float64() < each.Rule.Share) {
			each.Times++
			return each.Rule, true
		}
	}
	return Rule{}, false
}

func (i *Injected) concerns(call string) bool {
	return (i.Rule.Call == "" || strings.EqualFold(i.Rule.Call, call)) && (i.Rule.Count == 0 || i.Times < i.Rule.Count)
}

// Injected says of each rule how often it has happened.
func (p *Plan) Injected() []Injected {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.rules)
}
