package repair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/time/rate"

	"feedstream/shared/feed"
)

// sender produces records to the input topic; in a dry run it only looks at them.
type sender struct {
	run     *redrive
	client  *kgo.Client
	limiter *rate.Limiter
	failed  atomic.Pointer[error] // the first failure that is not one of a single record
}

func newSender(ctx context.Context, r *redrive) (*sender, error) {
	limit := rate.Inf
	if r.Rate > 0 {
		limit = rate.Limit(r.Rate)
	}
	// Acknowledged by all replicas in sync, without duplicates, murmur2 over the key: the defaults.
	client, err := r.feed.client(kgo.DefaultProduceTopic(r.feed.topics.Input), kgo.ProducerBatchMaxBytes(feed.MaxInputBytes))
	if err != nil {
		return nil, err
	}
	return &sender{run: r, client: client, limiter: rate.NewLimiter(limit, 1)}, nil
}

// send returns when the records have arrived. What is on its way when ctx ends is not called back: whether it
// has arrived would be anyone's guess. It is never much, so that brokers which are away are noticed.
func (s *sender) send(ctx context.Context, all []ready) error {
	for part := range slices.Chunk(all, s.run.feed.chunk) {
		if err := s.sendPart(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

func (s *sender) sendPart(ctx context.Context, all []ready) error {
	for _, each := range all {
		if err := s.limiter.Wait(ctx); err != nil {
			return err
		}
		record := s.run.feed.successor(&each)
		if s.run.feed.stillBad(record) {
			s.run.summary.StillBad++ // acknowledgements leave it alone
		}
		if s.run.DryRun {
			s.run.count(each.aside, redriven)
			continue
		}
		s.client.Produce(context.WithoutCancel(ctx), record, func(_ *kgo.Record, err error) { s.acknowledged(each.aside, err) })
	}
	err := s.client.Flush(ctx)
	if failed := s.failed.Load(); failed != nil {
		return *failed
	}
	return err
}

func (s *sender) acknowledged(a *Aside, err error) {
	switch {
	case err == nil:
		s.run.count(a, redriven)
	case errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge):
		s.run.refuse(a, fmt.Errorf("it does not fit the topic: %w", err))
	default:
		s.failed.CompareAndSwap(nil, &err)
	}
}

// close waits for what is on its way.
func (s *sender) close(ctx context.Context, err error) error {
	defer s.client.Close()
	flushed := s.client.Flush(ctx)
	if ctx.Err() != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.run.feed.flush)
		defer cancel()
		flushed = s.client.Flush(last)
		if err == nil {
			err = ctx.Err()
		}
	}
	if err == nil {
		err = flushed
	}
	if failed := s.failed.Load(); failed != nil {
		err = *failed
	}
	return err
}

// successor is the record that takes the place of one that was set aside.
func (f *Feed) successor(r *ready) *kgo.Record {
	at := f.now()
	if at.Before(r.aside.written) { // the input topic is searched from there on
		at = r.aside.written
	}
	return &kgo.Record{
		Topic: f.topics.Input, Key: orNull(r.content.key), Value: orNull(r.content.value), Timestamp: at,
		Headers: []kgo.RecordHeader{
			{Key: feed.HeaderRedrives, Value: strconv.AppendInt(nil, int64(r.aside.Redrives)+1, 10)},
			{Key: feed.HeaderRedrivenFrom, Value: []byte(r.aside.Origin)},
		},
	}
}

func orNull(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

// stillBad says that the checks set the record aside again.
func (f *Feed) stillBad(r *kgo.Record) bool {
	deliveries, err := delivered(r)
	if err != nil {
		return true
	}
	_, why := deliveries[0].Update(f.now())
	return why != nil
}
