package audit

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/shared/feed"
)

// Bound is one end of the stretch of the input topic to audit. The zero Bound is the log's own end.
type Bound struct {
	time      time.Time // of the input records, when not zero; otherwise
	partition int
	offset    int64
	set       bool
}

// ParseBound reads a time in RFC 3339, or "partition:offset", which confines the audit to that
// partition. The empty string is the log's own end.
func ParseBound(s string) (Bound, error) {
	if s == "" {
		return Bound{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return Bound{time: t, set: true}, nil
	}
	p, o, _ := strings.Cut(s, ":")
	partition, err := strconv.ParseInt(p, 10, 32)
	offset, err2 := strconv.ParseInt(o, 10, 64)
	if err != nil || err2 != nil || partition < 0 || offset < 0 {
		return Bound{}, fmt.Errorf("bound %q is neither a time in RFC 3339 nor partition:offset", s)
	}
	return Bound{partition: int(partition), offset: offset, set: true}, nil
}

func (b Bound) ofPartition() bool { return b.set && b.time.IsZero() }

// within narrows the partitions of the input topic to the two bounds: from is inclusive, to is not.
func within(ctx context.Context, client *kgo.Client, topic string, parts map[int]stretch, from, to Bound) (map[int]stretch, error) {
	if from.ofPartition() && to.ofPartition() && from.partition != to.partition {
		return nil, fmt.Errorf("the bounds name two partitions, %d and %d: name one", from.partition, to.partition)
	}
	narrowed := maps.Clone(parts)
	for _, b := range []struct {
		Bound
		apply func(s *stretch, offset int64)
	}{
		{from, func(s *stretch, offset int64) { s.from = max(s.from, offset) }},
		{to, func(s *stretch, offset int64) { s.to = min(s.to, offset) }},
	} {
		at, err := b.resolve(ctx, client, topic, narrowed)
		if err != nil {
			return nil, err
		}
		for p, s := range narrowed {
			offset, named := at[p]
			if !named && b.ofPartition() {
				delete(narrowed, p)
				continue
			}
			if named {
				b.apply(&s, offset)
				s.to = max(s.from, s.to)
				narrowed[p] = s
			}
		}
	}
	return narrowed, nil
}

// Check refuses bounds that name a partition which the topic does not have, or two of them.
func (k Kafka) Check(ctx context.Context, topic string, from, to Bound) error {
	if !from.ofPartition() && !to.ofPartition() {
		return nil
	}
	client, err := k.ask()
	if err != nil {
		return err
	}
	defer client.Close()
	_, _, err = between(ctx, client, topic, from, to)
	return err
}

// between returns what a topic holds, by partition, and what of that lies between two bounds.
func between(ctx context.Context, client *kgo.Client, topic string, from, to Bound) (all, part map[int]stretch, err error) {
	if all, err = whole(ctx, client, topic); err != nil {
		return nil, nil, err
	}
	part, err = within(ctx, client, topic, all, from, to)
	return all, part, err
}

// resolve returns the offsets that a bound means, by partition; partitions it does not speak of are absent.
func (b Bound) resolve(ctx context.Context, client *kgo.Client, topic string, parts map[int]stretch) (map[int]int64, error) {
	switch {
	case !b.set:
		return nil, nil
	case b.ofPartition():
		if _, ok := parts[b.partition]; !ok {
			return nil, fmt.Errorf("topic %s has no partition %d: name one below %d", topic, b.partition, len(parts))
		}
		return map[int]int64{b.partition: b.offset}, nil
	}
	return offsetsAt(ctx, client, topic, b.time.UnixMilli())
}

// clockSlack is how far the clocks of whoever publishes and of the functions may lie apart: newer brokers
// refuse records whose time is further ahead (message.timestamp.after.max.ms).
const clockSlack = time.Hour

// beginning is where the input topic, and what is audited of it, begin.
type beginning struct {
	first map[int]moment // the first record of each partition
	// from is where each partition is audited from, nil when from its start; then since is the time of the
	// first of these records in epoch milliseconds.
	from  map[int]int64
	since int64
}

// moment is an offset and the time of its record in epoch milliseconds.
type moment struct{ offset, time int64 }

func (a *auditor) readBeginning(ctx context.Context) error {
	topic := a.cfg.Topics.Input
	listed, err := kadm.NewClient(a.ask).ListOffsetsAfterMilli(ctx, 0, topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return fmt.Errorf("list the offsets of topic %s: %w", topic, err)
	}
	a.begin.first = make(map[int]moment)
	listed.Each(func(o kadm.ListedOffset) {
		if o.Timestamp > 0 {
			a.begin.first[int(o.Partition)] = moment{o.Offset, o.Timestamp}
		}
	})
	if !a.cfg.From.set {
		return nil
	}
	_, part, err := between(ctx, a.ask, topic, a.cfg.From, a.cfg.To)
	if err != nil {
		return err
	}
	a.begin.from = make(map[int]int64)
	for partition, s := range part {
		a.begin.from[partition] = s.from
	}
	a.begin.since, err = a.since(ctx, part)
	return err
}

// since is the time from which verdicts of the audited records can be.
func (a *auditor) since(ctx context.Context, part map[int]stretch) (int64, error) {
	if !a.cfg.From.ofPartition() {
		return a.cfg.From.time.UnixMilli(), nil
	}
	s := part[a.cfg.From.partition]
	var at int64 // 0 reads everything: there is no record to go by
	one := map[int]stretch{a.cfg.From.partition: {s.from, min(s.from+1, s.to)}}
	err := a.cfg.Kafka.read(ctx, a.cfg.Topics.Input, one, func(batch []*kgo.Record) error {
		for _, r := range batch {
			at = r.Timestamp.UnixMilli()
		}
		return nil
	})
	return at, err
}

// excludes says that an origin lies before what is audited.
func (b *beginning) excludes(o feed.Origin) bool {
	if b.from == nil {
		return false
	}
	from, audited := b.from[o.Partition]
	return !audited || o.Offset < from
}

// follows says that a record is older than the first that the input topic holds, and tells of a later one.
func (b *beginning) follows(r *kgo.Record, o feed.Origin) bool {
	first, any := b.first[o.Partition]
	return any && o.Offset >= first.offset && r.Timestamp.UnixMilli() < first.time
}

// verdicts narrows the partitions of a topic of verdicts to where those of the audited records can be.
func (b *beginning) verdicts(
	ctx context.Context, client *kgo.Client, topic string, parts map[int]stretch,
) (map[int]stretch, error) {
	if b.from == nil || b.since <= clockSlack.Milliseconds() {
		return parts, nil
	}
	starts, err := offsetsAt(ctx, client, topic, b.since-clockSlack.Milliseconds())
	if err != nil {
		return nil, err
	}
	for partition, s := range parts {
		s.from = min(max(s.from, starts[partition]), s.to)
		parts[partition] = s
	}
	return parts, nil
}

// Since is the bound of a time.
func Since(t time.Time) Bound { return Bound{time: t, set: true} }

// At is the bound of one record.
func At(partition int, offset int64) Bound {
	return Bound{partition: partition, offset: offset, set: true}
}

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
