package fault_test

import (
	"context"
	"errors"
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
	plan := fault.NewPlan(
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
