package stream

import (
	"context"
	"sync"
	"time"
)

// delay is the wait before a try; ok is false when there is none left.
func delay(backoff bool, failed int, random func() float64) (wait time.Duration, ok bool) {
	if backoff {
		const tries = 3
		return 10*time.Second + time.Duration(random()*float64(10*time.Second)), failed <= tries
	}
	const tries = 176 // one day: 1, 2, 4 … 512 s, then 512 s each
	return time.Second << min(failed-1, 9), failed <= tries
}

// waits are those of the pushes that failed; they can be ended all at once.
type waits struct {
	mu    sync.Mutex
	count int
	now   chan struct{} // closed and replaced by end
}

func newWaits() *waits { return &waits{now: make(chan struct{})} }

// wait ends early on end, or when there is no need to wait, and with false when ctx ends. What end comes with is to be set
// before it, so that needless sees it if end came too early to end this wait.
func (w *waits) wait(ctx context.Context, d time.Duration, needless func() bool) bool {
	w.mu.Lock()
	now := w.now
	w.count++
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.count--
		w.mu.Unlock()
	}()
	if needless() {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-now:
		return true
	case <-ctx.Done():
		return false
	}
}

// end ends all waits and says how many there were.
func (w *waits) end() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.now)
	w.now = make(chan struct{})
	return w.count
}

func (w *waits) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

// sleep reports false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
