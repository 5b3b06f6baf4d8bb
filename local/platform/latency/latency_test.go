package latency

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A quantile is never below the true value, and at most a fifth above it.
func TestQuantile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Map(rapid.Int64Range(int64(time.Millisecond), int64(30*time.Minute)),
			func(n int64) time.Duration { return time.Duration(n) }), 1, 200).Draw(t, "durations")
		var h Histogram
		for _, d := range all {
			h.Add(d)
		}
		slices.Sort(all)
		q := rapid.Float64Range(0.01, 1).Draw(t, "quantile")
		got, ok := h.Counts().Quantile(q)
		index := min(int(float64(len(all))*q), len(all)-1)
		low, high := all[max(index-1, 0)], all[min(index+1, len(all)-1)]
		if !ok || float64(got) < float64(low)*0.999 || float64(got) > float64(high)*1.2 {
			t.Fatalf("the quantile %g of %v is %s", q, all, got)
		}
	})
}

func TestCounts(t *testing.T) {
	var h Histogram
	if _, ok := h.Counts().Quantile(0.5); ok {
		t.Error("there is a quantile of nothing")
	}
	h.Add(-time.Second)
	h.Add(24 * time.Hour)
	before := h.Counts()
	h.Add(10 * time.Millisecond)
	if got, ok := h.Counts().Since(before).Quantile(0.99); !ok || got < 10*time.Millisecond || got > 12*time.Millisecond {
		t.Errorf("of what came since = %s, %v", got, ok)
	}
	if got, _ := before.Plus(before).Quantile(0.5); got != time.Millisecond {
		t.Errorf("less than nothing counts as %s", got)
	}
}
