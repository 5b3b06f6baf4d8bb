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

// ending is how a wait ended.
type ending int

const (
	due    ending = iota // its time is over, or somebody wants the next try now
	gaveUp               // somebody wants no more tries
	closed               // the stream closes
)

// waits are those of the pushes that failed; they can be ended all at once.
type waits struct {
	mu    sync.Mutex
	count int
	round *round
}

// round are the waits that end together.
type round struct {
	over chan struct{}
	how  ending // valid once over is closed
}

func newRound() *round { return &round{over: make(chan struct{})} }

func newWaits() *waits { return &waits{round: newRound()} }

func (w *waits) wait(ctx context.Context, d time.Duration) ending {
	w.mu.Lock()
	round := w.round
	w.count++
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.count--
		w.mu.Unlock()
	}()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return due
	case <-round.over:
		return round.how
	case <-ctx.Done():
		return closed
	}
}

// end ends all waits and says how many there were.
func (w *waits) end(how ending) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.round.how = how
	close(w.round.over)
	w.round = newRound()
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
