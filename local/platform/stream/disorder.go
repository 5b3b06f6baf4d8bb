package stream

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Fault is how a push goes wrong without the function's doing: a platform that delivers at least once may do
// all of it. The zero value lets it be.
type Fault struct {
	Throttle   bool          // refuse it: it does not reach the function
	Repeat     bool          // push it again once it has succeeded
	Concurrent bool          // push it twice side by side
	Reorder    time.Duration // hold it back until a later one has ended, at most for so long
}

func (s *Stream) fault() Fault {
	if s.cfg.Fault == nil {
		return Fault{}
	}
	return s.cfg.Fault()
}

// errThrottled is the platform's answer when it has no instance to spare.
var errThrottled = errors.New("ResourceExhausted: the invocation was throttled by an injected fault")

// invoke pushes once, or as often as the fault says. A push of which one try has succeeded is done: what a
// further one brings nobody hears.
func (s *Stream) invoke(p push, f Fault) error {
	if f.Throttle {
		return errThrottled
	}
	var twin sync.WaitGroup
	defer twin.Wait()
	second := make(chan error, 1)
	if f.Concurrent {
		twin.Go(func() { second <- s.cfg.Invoke(s.ctx, p.body) })
	}
	err := s.cfg.Invoke(s.ctx, p.body)
	if err != nil && f.Concurrent {
		err = <-second
	}
	if err == nil && f.Repeat {
		_ = s.cfg.Invoke(s.ctx, p.body) // its failure is that of a push which is done
	}
	return err
}

// order knows in which order pushes were taken, and the latest that has ended.
type order struct {
	mu      sync.Mutex
	taken   int64
	latest  int64
	changed chan struct{} // closed and replaced when latest is
}

func newOrder() *order { return &order{changed: make(chan struct{})} }

// take numbers a push.
func (o *order) take() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taken++
	return o.taken
}

func (o *order) end(number int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if number > o.latest {
		o.latest = number
		close(o.changed)
		o.changed = make(chan struct{})
	}
}

func (o *order) state() (latest int64, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.latest, o.changed
}

// overtaken returns once a later push than this has ended, but after that time or when ctx ends too.
func (o *order) overtaken(ctx context.Context, number int64, most time.Duration) {
	if most <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for {
		latest, changed := o.state()
		if latest > number {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}
