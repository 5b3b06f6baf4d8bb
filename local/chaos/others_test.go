package chaos

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// made is a run of others for a minute of a clock that does not wait: what happened, in its order.
func made(t *testing.T, seed uint64) (order []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		enough, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var atOnce atomic.Int32
		do := func(name string) func(context.Context) error {
			return func(ctx context.Context) error {
				if atOnce.Add(1) != 1 {
					t.Error("two disturbances at once")
				}
				defer atOnce.Add(-1)
				time.Sleep(10 * time.Second)
				order = append(order, name)
				return ctx.Err()
			}
		}
		o := newOthers(seed, []Disturbance{{Name: "a", Do: do("a")}, {Name: "b", Do: do("b")}, {Name: "once", Do: do("once"), Most: 1}}, t.Logf)
		for range 2 { // the lives of a stack
			if err := o.run(t.Context(), enough); err != nil {
				t.Error(err)
			}
		}
		for name, n := range o.made {
			if got := len(slices.DeleteFunc(slices.Clone(order), func(s string) bool { return s != name })); got != n {
				t.Errorf("%s is counted %d times and happened %d times", name, n, got)
			}
		}
	})
	return order
}

// Each comes before any comes again, the order is that of the seed, and no more than its number comes of any.
func TestOthers(t *testing.T) {
	first := made(t, 1)
	if !slices.Equal(first, made(t, 1)) {
		t.Errorf("two orders of one seed: %v", first)
	}
	if len(first) < 4 {
		t.Fatalf("%v in a minute", first)
	}
	round := slices.Sorted(slices.Values(first[:3]))
	if !slices.Equal(round, []string{"a", "b", "once"}) || slices.Contains(first[3:], "once") {
		t.Errorf("%v: want a, b and once, then a and b", first)
	}
	if !slices.ContainsFunc([]uint64{2, 3, 4, 5, 6, 7, 8, 9}, func(seed uint64) bool { return !slices.Equal(first, made(t, seed)) }) {
		t.Errorf("every seed has the order %v", first)
	}
}

// One that fails is the end, and is named.
func TestOthersFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		o := newOthers(1, []Disturbance{{Name: "a", Do: func(context.Context) error { return broken }}}, t.Logf)
		if err := o.run(t.Context(), t.Context()); !errors.Is(err, broken) || err.Error() != "a: broken" || len(o.made) != 0 {
			t.Errorf("error = %v, made %v", err, o.made)
		}
	})
}
