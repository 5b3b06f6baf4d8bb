package audit

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
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

// resolve returns the offsets that a bound means, by partition; partitions it does not speak of are absent.
func (b Bound) resolve(ctx context.Context, client *kgo.Client, topic string, parts map[int]stretch) (map[int]int64, error) {
	switch {
	case !b.set:
		return nil, nil
	case b.ofPartition():
		if _, ok := parts[b.partition]; !ok {
			return nil, fmt.Errorf("topic %s has no partition %d", topic, b.partition)
		}
		return map[int]int64{b.partition: b.offset}, nil
	}
	return offsetsAt(ctx, client, topic, b.time.UnixMilli())
}
