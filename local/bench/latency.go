package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"feedstream/local/stack"
	"feedstream/local/target"
)

// Latency is how long records were under way: from the publisher's clock, which dates the event, until a consumer of
// the output topic holds the record. HBase has both rows by then. Milliseconds, in steps of one.
type Latency struct {
	Window  int     `json:"batchWindowSeconds"`
	Rate    float64 `json:"recordsPerSecond"`
	Records int     `json:"records"`
	P50     float64 `json:"p50Ms"`
	P99     float64 `json:"p99Ms"`
	P999    float64 `json:"p999Ms"`
	Max     float64 `json:"maxMs"`
}

// production is the batch window of s.yaml.
const production = "TimeBasedWindow: 1"

// warming is the part of a steady feed whose records are not counted: instances start in it.
const warming = 5

// latency publishes a steady feed and reads what comes out.
func (c *Config) latency(ctx context.Context, window int) (_ Latency, err error) {
	cfg := c.Stack
	cfg.Ephemeral = true
	if cfg.Manifest, err = variant(cfg.Manifest, production, "TimeBasedWindow: "+strconv.Itoa(window)); err != nil {
		return Latency{}, err
	}
	defer func() { err = errors.Join(err, os.Remove(cfg.Manifest)) }()
	s, err := stack.Start(ctx, cfg)
	if err != nil {
		return Latency{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()

	records := int(c.Rate * c.Steady.Seconds())
	t := s.Target()
	output, err := follow(ctx, &t)
	if err != nil {
		return Latency{}, err
	}
	defer output.Close()
	var took []time.Duration
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { took, err = arrivals(ctx, output, records); return err })
	group.Go(func() error { return s.Publish(ctx, stack.Feed{Records: records, Rate: c.Rate, Seed: 1}) })
	if err := group.Wait(); err != nil {
		return Latency{}, err
	}
	return summary(window, c.Rate, took[records/warming:]), nil
}

// follow returns a consumer of what is produced to the output topic from now on.
func follow(ctx context.Context, t *target.Target) (*kgo.Client, error) {
	options, err := t.KafkaOptions()
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, err
	}
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, t.Names.Topics.Output)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("find the end of %s: %w", t.Names.Topics.Output, err)
	}
	client.AddConsumePartitions(ends.KOffsets())
	return client, nil
}

// arrivals reads that many records of the output topic and returns how old the event of each was.
func arrivals(ctx context.Context, output *kgo.Client, records int) ([]time.Duration, error) {
	took := make([]time.Duration, 0, records)
	for len(took) < records {
		fetches := output.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return nil, fmt.Errorf("read the output topic: %w", err)
		}
		now := time.Now()
		var bad error
		fetches.EachRecord(func(r *kgo.Record) {
			at, err := eventTime(r)
			bad = errors.Join(bad, err)
			took = append(took, now.Sub(at))
		})
		if bad != nil {
			return nil, bad
		}
	}
	return took, nil
}

// eventTime is the header ce_time.
func eventTime(r *kgo.Record) (time.Time, error) {
	for _, h := range r.Headers {
		if h.Key == "ce_time" {
			return time.Parse(time.RFC3339, string(h.Value))
		}
	}
	return time.Time{}, fmt.Errorf("offset %d of partition %d of %s has no ce_time", r.Offset, r.Partition, r.Topic)
}

func summary(window int, rate float64, took []time.Duration) Latency {
	slices.Sort(took)
	at := func(share float64) float64 {
		n := min(int(share*float64(len(took))), len(took)-1)
		return float64(took[n].Microseconds()) / 1000
	}
	return Latency{Window: window, Rate: rate, Records: len(took), P50: at(0.5), P99: at(0.99), P999: at(0.999), Max: at(1)}
}
