package fault

import (
	"strings"
	"sync"
)

// Rule is a fault and the calls that it happens to.
type Rule struct {
	Call  string // name of a call as the service's Calls lists them, in any case; empty means every call
	Count int    // to how many calls it happens; 0 means to all
	Fault
}

// Plan plays rules. It may be asked from many goroutines.
type Plan struct {
	mu    sync.Mutex
	rules []Rule
	spent []int // how often each rule has happened
}

// NewPlan makes a plan of which nothing has happened yet.
func NewPlan(rules ...Rule) *Plan {
	return &Plan{rules: rules, spent: make([]int, len(rules))}
}

// Next is the fault of a call: that of the first rule which is about it and is not used up.
func (p *Plan) Next(call string) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, rule := range p.rules {
		if rule.Call != "" && !strings.EqualFold(rule.Call, call) || rule.Count > 0 && p.spent[i] == rule.Count {
			continue
		}
		p.spent[i]++
		return rule.Fault
	}
	return Fault{}
}
