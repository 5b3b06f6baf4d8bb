package stream

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/manifest"
)

// run pushes the batches of one task, as far as the trigger's concurrency allows side by side.
func (s *Stream) run(b *batcher) {
	for b.wait(s.ctx) {
		select {
		case s.slots <- struct{}{}:
		case <-s.ctx.Done():
			return
		}
		p := b.take()
		marks := s.positions.take(p.items)
		p.number = s.order.take()
		s.ended.Go(func() {
			defer func() { <-s.slots }()
			defer s.order.end(p.number)
			if s.deliver(p) {
				s.positions.verdict(marks)
				wake(s.commitWanted)
			}
		})
	}
}

// deliver pushes a batch until it has a verdict; false means that the stream closes before.
func (s *Stream) deliver(p push) bool {
	defer s.failing.over(p)
	for failed := 1; ; failed++ {
		fault := s.fault()
		s.order.overtaken(s.ctx, p.number, fault.Reorder)
		err := s.invoke(p, fault)
		if err == nil {
			s.answered(p)
			return true
		}
		if s.ctx.Err() != nil {
			return false
		}
		s.failing.failed(p, failed, err)
		first := p.items[0].record
		s.faults.failed(fmt.Errorf("push of %d events from %s/%d/%d: %w",
			len(p.items), first.Topic, first.Partition, first.Offset, err))
		wait, again := delay(s.declared.Retry == manifest.BackoffRetry, failed, rand.Float64)
		givenUp := func() bool { return s.failing.givenUp(p) }
		if !again || givenUp() {
			return s.giveUp(p)
		}
		wait = time.Duration(float64(wait) / s.cfg.TimeScale)
		s.failing.waits(p, time.Now().Add(wait))
		if !s.retries.wait(s.ctx, wait, givenUp) {
			return false
		}
		if givenUp() {
			return s.giveUp(p)
		}
		s.failing.waits(p, time.Time{})
	}
}

// answered counts how long each record of a push took.
func (s *Stream) answered(p push) {
	now := time.Now()
	for _, held := range p.items {
		s.latency.Add(now.Sub(held.record.Timestamp))
	}
}

// giveUp sets a push aside in the dead-letter topic. Without tolerance the stream stops instead and the
// push stays uncommitted.
func (s *Stream) giveUp(p push) bool {
	if !s.declared.TolerateErrors {
		s.faults.failed(errors.New("the retries are used up and errorsTolerance is NONE: the event stream stops"))
		s.cancel()
		return false
	}
	if s.declared.DeadLetterTopic == "" {
		s.faults.failed(fmt.Errorf("%d events are discarded: the trigger has no deadLetterQueue", len(p.items)))
		return true
	}
	return s.writeLetters(p)
}

// Failing is a push that has failed and has no verdict yet. Nothing from its first record on is committed
// in that partition.
type Failing struct {
	Topic     string
	Partition int32
	Offset    int64 // of its first record
	Records   int
	Attempts  int
	Since     time.Time // when it failed first
	Error     string    // of the last attempt
	Next      time.Time // of the next attempt; zero while one is under way
	GivenUp   bool      // there is no next attempt: somebody gave it up
}

// failing are the pushes of a stream that keep failing, by their first record.
type failing struct {
	mu     sync.Mutex
	pushes map[*kgo.Record]Failing
}

func (f *failing) failed(p push, attempts int, err error) {
	first := p.items[0].record
	f.mu.Lock()
	defer f.mu.Unlock()
	told, known := f.pushes[first]
	if !known {
		told = Failing{
			Topic: first.Topic, Partition: first.Partition, Offset: first.Offset, Records: len(p.items), Since: time.Now(),
		}
	}
	told.Attempts, told.Error, told.Next = max(told.Attempts, attempts), err.Error(), time.Time{}
	f.pushes[first] = told
}

// waits takes note of when a push that has failed is tried again; zero when it is now.
func (f *failing) waits(p push, until time.Time) {
	first := p.items[0].record
	f.mu.Lock()
	defer f.mu.Unlock()
	told := f.pushes[first]
	told.Next = until
	f.pushes[first] = told
}

// giveUp marks all pushes that have failed, and returns how many it marks that were not marked before.
func (f *failing) giveUp() (marked int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for first, told := range f.pushes {
		if !told.GivenUp {
			told.GivenUp = true
			f.pushes[first] = told
			marked++
		}
	}
	return marked
}

func (f *failing) givenUp(p push) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pushes[p.items[0].record].GivenUp
}

func (f *failing) over(p push) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.pushes, p.items[0].record)
}

func (f *failing) list() []Failing {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Failing
	for _, told := range f.pushes {
		list = append(list, told)
	}
	slices.SortFunc(list, func(a, b Failing) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return list
}
