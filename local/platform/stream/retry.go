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

// waits are the waits for a retry that can be ended all at once. It owns its lock.
type waits struct {
	mu    sync.Mutex
	now   chan struct{} // closed and replaced by end
	count int
}

// wait returns early when the waits are ended, and false when ctx has ended.
func (w *waits) wait(ctx context.Context, d time.Duration) bool {
	now := w.enter()
	defer w.leave()
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

func (w *waits) enter() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.now == nil {
		w.now = make(chan struct{})
	}
	w.count++
	return w.now
}

func (w *waits) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count--
}

// end ends all waits.
func (w *waits) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.now != nil {
		close(w.now)
		w.now = nil
	}
}

// waiting is how many wait.
func (w *waits) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}
