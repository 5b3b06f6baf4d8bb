// Package latency counts durations in classes of growing width, so that quantiles of any number of them cost a few
// hundred bytes.
package latency

import (
	"math"
	"sync/atomic"
	"time"
)

// Classes: the first holds all up to a millisecond, each of the others is 2^(1/4) as wide as the one before it. The
// last holds all above some fifty minutes.
const (
	classes   = 88
	perOctave = 4
)

// Histogram counts durations; several goroutines may add to it. The zero value is ready.
type Histogram struct{ counts [classes]atomic.Int64 }

// Add counts a duration. One below zero, which two clocks can make, counts as none.
func (h *Histogram) Add(d time.Duration) { h.counts[class(d)].Add(1) }

func class(d time.Duration) int {
	if d <= time.Millisecond {
		return 0
	}
	above := math.Log2(float64(d)/float64(time.Millisecond)) * perOctave
	return min(int(math.Ceil(above)), classes-1)
}

// Counts are those of a moment.
func (h *Histogram) Counts() (c Counts) {
	for i := range h.counts {
		c[i] = h.counts[i].Load()
	}
	return c
}

// Counts are how many durations fell into each class.
type Counts [classes]int64

// Since is what was added after an earlier moment.
func (c Counts) Since(earlier Counts) Counts {
	for i := range c {
		c[i] -= earlier[i]
	}
	return c
}

// Plus is what two histograms counted together.
func (c Counts) Plus(other Counts) Counts {
	for i := range c {
		c[i] += other[i]
	}
	return c
}

// Quantile is the upper bound of the class in which the share q of all durations ends, from 0 to 1; false when there
// are none. It is at most a fifth above the true value.
func (c Counts) Quantile(q float64) (time.Duration, bool) {
	var all int64
	for _, n := range c {
		all += n
	}
	if all == 0 {
		return 0, false
	}
	wanted, seen := int64(math.Ceil(q*float64(all))), int64(0)
	for i, n := range c {
		if seen += n; seen >= wanted && n > 0 {
			return upper(i), true
		}
	}
	return upper(classes - 1), true
}

func upper(class int) time.Duration {
	return time.Duration(float64(time.Millisecond) * math.Exp2(float64(class)/perOctave))
}
