package audit

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/shared/feed"
	"feedstream/shared/kafka"
)

// Message is a fetched record in the form that the parsers of shared/kafka take.
func Message(r *kgo.Record) *kafka.Message { return message(r) }

// DeadLetters returns the deliveries of a dead letter: of one CloudEvent, or of an array of them.
func DeadLetters(r *kgo.Record) ([]feed.Delivery, error) { return deadLetters(r) }

// Since is the bound of a time.
func Since(t time.Time) Bound { return Bound{time: t, set: true} }

// Between reports whether a record of the input topic lies between two bounds, as an audit takes them.
func Between(from, to Bound, o feed.Origin, at time.Time) bool {
	reached := func(b Bound) bool {
		if b.ofPartition() {
			return o.Offset >= b.offset
		}
		return !at.Before(b.time)
	}
	for _, b := range []Bound{from, to} {
		if b.ofPartition() && b.partition != o.Partition {
			return false
		}
	}
	return (!from.set || reached(from)) && (!to.set || !reached(to))
}

// Read hands every record of a topic that lies between two bounds now to f, in batches and in order within
// each partition.
func (k Kafka) Read(ctx context.Context, topic string, from, to Bound, f func([]*kgo.Record) error) error {
	ask, err := k.ask()
	if err != nil {
		return err
	}
	defer ask.Close()
	parts, err := whole(ctx, ask, topic)
	if err != nil {
		return err
	}
	if parts, err = within(ctx, ask, topic, parts, from, to); err != nil {
		return err
	}
	return k.read(ctx, topic, parts, f)
}

// ReadAt hands those of these records that their topic still holds to f, in order within each partition. It
// reads what lies between them as well.
func (k Kafka) ReadAt(ctx context.Context, topic string, origins []feed.Origin, f func(*kgo.Record) error) error {
	wanted := make(map[feed.Origin]bool, len(origins))
	around := make(map[int]stretch)
	for _, o := range origins {
		if o.Topic != topic {
			continue
		}
		s, any := around[o.Partition]
		if !any {
			s = stretch{o.Offset, o.Offset + 1}
		}
		around[o.Partition] = stretch{min(s.from, o.Offset), max(s.to, o.Offset+1)}
		wanted[o] = true
	}
	ask, err := k.ask()
	if err != nil {
		return err
	}
	defer ask.Close()
	parts, err := whole(ctx, ask, topic)
	if err != nil {
		return err
	}
	for p, all := range parts {
		s, any := around[p]
		if !any {
			delete(parts, p)
			continue
		}
		parts[p] = stretch{max(s.from, all.from), min(s.to, all.to)}
	}
	return k.read(ctx, topic, parts, func(batch []*kgo.Record) error {
		for _, r := range batch {
			if wanted[feed.Origin{Topic: topic, Partition: int(r.Partition), Offset: r.Offset}] {
				if err := f(r); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
