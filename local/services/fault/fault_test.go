package fault_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"feedstream/local/services/fault"
)

// TestAround has each kind of fault, and whether the call took effect and what its caller heard.
func TestAround(t *testing.T) {
	t.Parallel()
	own := errors.New("the call's own error")
	closed, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name  string
		ctx   context.Context
		fault fault.Fault
		ran   bool
		want  error // nil: the call's own answer
		text  string
	}{
		{"none", t.Context(), fault.Fault{}, true, own, ""},
		{"late", t.Context(), fault.Fault{Delay: time.Nanosecond}, true, own, ""},
		{"late answer", t.Context(), fault.Fault{When: fault.After, Delay: time.Nanosecond}, true, own, ""},
		{"dropped before", t.Context(), fault.Fault{Drop: true, Err: "X"}, false, fault.ErrDrop, ""},
		{"dropped after", t.Context(), fault.Fault{When: fault.After, Drop: true}, true, fault.ErrDrop, ""},
		{"refused", t.Context(), fault.Fault{Err: "X"}, false, nil, "X: injected fault"},
		{"done and denied", t.Context(), fault.Fault{When: fault.After, Err: "X", Message: "no"}, true, nil, "X: no"},
		{"server closes", closed, fault.Fault{Delay: time.Hour}, false, fault.ErrDrop, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			ran := false
			_, err := fault.Around(test.ctx, test.fault, func() (int, error) {
				ran = true
				return 1, own
			})
			if ran != test.ran || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("ran %v, error %v; want %v, %v", ran, err, test.ran, test.want)
			}
			var injected *fault.Error
			if test.text != "" && (!errors.As(err, &injected) || err.Error() != test.text) {
				t.Errorf("error %v, want %s", err, test.text)
			}
		})
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	drop, late := fault.Fault{Drop: true}, fault.Fault{Delay: time.Hour}
	plan := fault.MustPlan(fault.Served("oss", []string{"get", "put", "list"}),
		fault.Rule{Call: "put", Count: 2, Fault: drop},
		fault.Rule{Call: "GET", Fault: drop},
		fault.Rule{Count: 1, Fault: late},
	)
	for i, step := range []struct {
		call string
		want fault.Fault
	}{{"get", drop}, {"put", drop}, {"List", late}, {"put", drop}, {"put", fault.Fault{}}, {"get", drop}} {
		if got := plan.Next(step.call); got != step.want {
			t.Errorf("step %d, %s: %+v, want %+v", i, step.call, got, step.want)
		}
	}
}

// A rule that could never happen is refused, from Go as from words.
func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	target := fault.Served("kafka", []string{"produce", "fetch"}).Erring([]string{"NOT_LEADER"})
	for want, rule := range map[string]fault.Rule{
		"":                               {Call: "Produce", Fault: fault.Fault{Err: "NOT_LEADER"}},
		`"kafka.prodcue" is no call`:     {Call: "prodcue", Fault: fault.Fault{Drop: true}},
		`no error here is called "GONE"`: {Fault: fault.Fault{Err: "GONE"}},
		"a share of 2":                   {Share: 2},
		"a count of -1":                  {Count: -1},
	} {
		if _, err := fault.NewPlan(target, rule); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", rule, err, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("MustPlan takes what NewPlan refuses")
		}
	}()
	fault.MustPlan(fault.Target{Name: "none"}, fault.Rule{})
}
