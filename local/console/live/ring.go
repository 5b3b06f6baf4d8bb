package live

import (
	"context"
	"sync"
	"time"
)

const (
	// Every is the time between two samples.
	Every = time.Second
	// Kept is how many samples there are at most: 15 minutes.
	Kept = 900
)

// Ring keeps the samples of the last 15 minutes and tells of each new one.
type Ring struct {
	mu      sync.Mutex
	samples []Sample
	oldest  int           // once it is full
	changed chan struct{} // closed and replaced with each sample
}

// NewRing is empty.
func NewRing() *Ring { return &Ring{changed: make(chan struct{})} }

// Follow samples a stack until ctx ends. The first sample is there when it begins.
func (r *Ring) Follow(ctx context.Context, status func() Status) {
	var s sampler
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	for now := time.Now(); ; {
		picture := status()
		r.add(s.sample(now, &picture))
		select {
		case now = <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (r *Ring) add(s Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.samples) < Kept {
		r.samples = append(r.samples, s)
	} else {
		r.samples[r.oldest] = s
		r.oldest = (r.oldest + 1) % Kept
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// Last is the newest sample, and what is closed when there is a newer one; false before the first.
func (r *Ring) Last() (s Sample, next <-chan struct{}, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.samples) == 0 {
		return Sample{}, r.changed, false
	}
	return r.samples[(r.oldest+len(r.samples)-1)%len(r.samples)], r.changed, true
}

// History is every sample, the oldest first.
func (r *Ring) History() []Sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(append(make([]Sample, 0, len(r.samples)), r.samples[r.oldest:]...), r.samples[:r.oldest]...)
}
