package audit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"feedstream/shared/feed"

	"feedstream/local/platform/stream"
)

// Kafka says how the brokers are reached.
type Kafka struct {
	Brokers []string
	Options []kgo.Opt // SASL and TLS, where the brokers want them
}

func (k Kafka) client(opts ...kgo.Opt) (*kgo.Client, error) {
	opts = append(opts, kgo.SeedBrokers(k.Brokers...))
	client, err := kgo.NewClient(append(opts, k.Options...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka at %v: %w", k.Brokers, err)
	}
	return client, nil
}

// ask returns a client for requests of an age that names topics by their names, which brokers of any
// age understand.
func (k Kafka) ask() (*kgo.Client, error) { return k.client(kgo.MaxVersions(kversion.V2_8_0())) }

// offsetsAt returns, for each partition of a topic, the offset of the first record at or after a time
// in epoch milliseconds; where no record is that late, the end.
func offsetsAt(ctx context.Context, client *kgo.Client, topic string, at int64) (map[int]int64, error) {
	listed, err := kadm.NewClient(client).ListOffsetsAfterMilli(ctx, at, topic)
	return byPartition(topic, listed, err)
}

func byPartition(topic string, listed kadm.ListedOffsets, err error) (map[int]int64, error) {
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("list the offsets of topic %s: %w", topic, err)
	}
	found := make(map[int]int64)
	listed.Each(func(o kadm.ListedOffset) { found[int(o.Partition)] = o.Offset })
	return found, nil
}

// committed returns the offsets that a group has committed for a topic; partitions without are absent.
func committed(ctx context.Context, client *kgo.Client, group, topic string) (map[int]int64, error) {
	fetched, err := kadm.NewClient(client).FetchOffsets(ctx, group)
	if err == nil {
		err = fetched.Error()
	}
	if errors.Is(err, kerr.GroupIDNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the offsets of group %s: %w", group, err)
	}
	found := make(map[int]int64)
	for number, o := range fetched[topic] {
		if o.At >= 0 {
			found[int(number)] = o.At
		}
	}
	return found, nil
}

// stretch is the part of a partition to read: from one offset up to another, which is not read.
type stretch struct{ from, to int64 }

// whole returns each partition of a topic from its start to its present end.
func whole(ctx context.Context, client *kgo.Client, topic string) (map[int]stretch, error) {
	admin := kadm.NewClient(client)
	listed, err := admin.ListStartOffsets(ctx, topic)
	starts, err := byPartition(topic, listed, err)
	if err != nil {
		return nil, err
	}
	listed, err = admin.ListEndOffsets(ctx, topic)
	ends, err := byPartition(topic, listed, err)
	if err != nil {
		return nil, err
	}
	parts := make(map[int]stretch, len(starts))
	for p, start := range starts {
		parts[p] = stretch{start, ends[p]}
	}
	return parts, nil
}

const (
	// patience is how long the brokers may deliver nothing before a read is given up.
	patience = 30 * time.Second
	// quiet is how long they may deliver nothing before they are asked whether there is anything.
	quiet = time.Second
)

// read hands every record of the stretches to f in batches, in order within each partition. Records
// that a log no longer holds, or never held, are simply not there.
func (k Kafka) read(ctx context.Context, topic string, parts map[int]stretch, f func([]*kgo.Record) error) error {
	r := reader{topic: topic, next: make(map[int32]int64), open: make(map[int32]int64)}
	start := make(map[int32]kgo.Offset)
	for p, part := range parts {
		if part.from < part.to {
			start[int32(p)] = kgo.NewOffset().At(part.from)
			r.next[int32(p)], r.open[int32(p)] = part.from, part.to
		}
	}
	if len(r.open) == 0 {
		return nil
	}
	// Control records, the marks of transactions, are fetched as well: a log may end with one.
	client, err := k.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: start}), kgo.KeepControlRecords())
	if err != nil {
		return err
	}
	defer client.Close()
	r.client = client
	for len(r.open) > 0 {
		batch, err := r.poll(ctx)
		if err != nil {
			return fmt.Errorf("read topic %s, %d partitions left: %w", topic, len(r.open), err)
		}
		if err := f(r.keep(batch)); err != nil {
			return err
		}
	}
	return nil
}

// reader reads stretches of a topic.
type reader struct {
	client *kgo.Client
	topic  string
	next   map[int32]int64 // where each partition is read on
	open   map[int32]int64 // where those end that are not read to their end yet
}

// keep returns the records of a batch that lie in the stretches.
func (r *reader) keep(batch []*kgo.Record) []*kgo.Record {
	kept := batch[:0]
	for _, record := range batch {
		end, reading := r.open[record.Partition]
		if !reading {
			continue
		}
		if record.Offset < end && !record.Attrs.IsControl() {
			kept = append(kept, record)
		}
		r.reach(record.Partition, record.Offset+1)
	}
	return kept
}

// reach takes note that a partition was read up to an offset.
func (r *reader) reach(partition int32, next int64) {
	r.next[partition] = next
	if next >= r.open[partition] {
		delete(r.open, partition)
		r.client.PauseFetchPartitions(map[string][]int32{r.topic: {partition}})
	}
}

// poll returns the next records, or none once it has seen that a partition holds no more of them.
func (r *reader) poll(ctx context.Context) ([]*kgo.Record, error) {
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		waiting, cancel := context.WithTimeout(patient, quiet)
		fetches := r.client.PollFetches(waiting)
		cancel()
		err := fetches.Err()
		switch {
		case err == nil:
			return fetches.Records(), nil
		case ctx.Err() != nil || waiting.Err() == nil:
			return nil, err
		}
		passed, err := r.passHoles(patient)
		switch {
		case passed:
			return nil, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case patient.Err() != nil:
			return nil, errors.Join(fmt.Errorf("the brokers delivered nothing for %s", patience), err)
		}
	}
}

// passHoles closes the partitions that hold no record up to where they are read: a client tells of records
// only, and a log may end with what compaction left of them.
func (r *reader) passHoles(ctx context.Context) (passed bool, err error) {
	for partition, end := range maps.Clone(r.open) {
		next, err := stream.FirstRecord(ctx, r.client, r.topic, partition, r.next[partition])
		if err != nil {
			return passed, fmt.Errorf("look for records of partition %d from %d on: %w", partition, r.next[partition], err)
		}
		if next >= end {
			r.reach(partition, next)
			passed = true
		}
	}
	return passed, nil
}

// Read hands every record of a topic that lies between two bounds now to f, in batches and in order within
// each partition.
func (k Kafka) Read(ctx context.Context, topic string, from, to Bound, f func([]*kgo.Record) error) error {
	ask, err := k.ask()
	if err != nil {
		return err
	}
	defer ask.Close()
	_, parts, err := between(ctx, ask, topic, from, to)
	if err != nil {
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
