package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
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

// patience is how long the brokers may deliver nothing before a read is given up.
const patience = 30 * time.Second

// read hands every record of the stretches to f in batches, in order within each partition. Records
// that a log no longer holds, or never held, are simply not there.
func (k Kafka) read(ctx context.Context, topic string, parts map[int]stretch, f func([]*kgo.Record) error) error {
	start := make(map[int32]kgo.Offset)
	open := make(map[int32]int64) // where the partitions not yet read to their end do end
	for p, part := range parts {
		if part.from < part.to {
			start[int32(p)], open[int32(p)] = kgo.NewOffset().At(part.from), part.to
		}
	}
	if len(open) == 0 {
		return nil
	}
	// Control records, the marks of transactions, are fetched as well: a log may end with one.
	client, err := k.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: start}), kgo.KeepControlRecords())
	if err != nil {
		return err
	}
	defer client.Close()
	for len(open) > 0 {
		batch, err := poll(ctx, client)
		if err != nil {
			return fmt.Errorf("read topic %s, %d partitions left: %w", topic, len(open), err)
		}
		kept := batch[:0]
		for _, r := range batch {
			end, reading := open[r.Partition]
			if !reading {
				continue
			}
			if r.Offset < end && !r.Attrs.IsControl() {
				kept = append(kept, r)
			}
			if r.Offset >= end-1 {
				delete(open, r.Partition)
				client.PauseFetchPartitions(map[string][]int32{topic: {r.Partition}})
			}
		}
		if err := f(kept); err != nil {
			return err
		}
	}
	return nil
}

func poll(ctx context.Context, client *kgo.Client) ([]*kgo.Record, error) {
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	fetches := client.PollFetches(patient)
	if err := fetches.Err(); err != nil {
		if ctx.Err() == nil && patient.Err() != nil {
			return nil, fmt.Errorf("the brokers delivered nothing for %s", patience)
		}
		return nil, err
	}
	return fetches.Records(), nil
}
