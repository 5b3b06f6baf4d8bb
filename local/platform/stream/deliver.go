package stream

import (
	"errors"
	"fmt"
	"math/rand/v2"
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
	for failed := 1; ; failed++ {
		fault := s.fault()
		s.order.overtaken(s.ctx, p.number, fault.Reorder)
		err := s.invoke(p, fault)
		if err == nil {
			return true
		}
		if s.ctx.Err() != nil {
			return false
		}
		first := p.items[0].record
		s.faults.failed(fmt.Errorf("push of %d events from %s/%d/%d: %w", len(p.items), first.Topic, first.Partition, first.Offset, err))
		wait, again := delay(s.declared.Retry == manifest.BackoffRetry, failed, rand.Float64)
		if !again {
			return s.giveUp(p)
		}
		if !s.retries.wait(s.ctx, time.Duration(float64(wait)/s.cfg.TimeScale)) {
			return false
		}
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
	letters := s.letters(p)
	what := fmt.Sprintf("write dead letters to %s", s.declared.DeadLetterTopic)
	for {
		err := s.client.ProduceSync(s.ctx, letters...).FirstErr()
		if err == nil {
			s.faults.works(what)
			s.deadLettered.Add(int64(len(letters)))
			return true
		}
		if s.ctx.Err() != nil {
			return false
		}
		s.faults.kafka(what, err)
		if !s.retries.wait(s.ctx, time.Second) {
			return false
		}
	}
}

// letters are one record for each event of a push, always as CloudEvents.
func (s *Stream) letters(p push) []*kgo.Record {
	encoder := s.encoder
	encoder.rawData = false
	letters := make([]*kgo.Record, len(p.items))
	for i, held := range p.items {
		r := held.record
		letters[i] = &kgo.Record{Topic: s.declared.DeadLetterTopic, Key: r.Key, Value: encoder.event(nil, r)}
	}
	return letters
}
