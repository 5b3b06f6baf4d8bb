package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/stream"
	"feedstream/local/process"
	"feedstream/local/stack"
	"feedstream/local/target"
	"feedstream/shared/feed"
	"feedstream/shared/phoenix"
)

// Limit is one part of the work done by a program that does nothing else.
type Limit struct {
	Name             string  `json:"name"`
	RecordsPerSecond float64 `json:"recordsPerSecond"`
	CPU              float64 `json:"cpuSecondsPerMillion"` // of that program alone
}

// The parts, each with what it stands against.
const (
	Valid   = "json.Valid"  // over pushes of 1,000 events: the least that a push in JSON costs
	Rows    = "rows"        // ready-made rows into table and index, in pushes of 1,000
	Produce = "produce"     // ready-made output records, acknowledged by all replicas
	Consume = "consume"     // the same records, read again
	topic   = "bench-limit" // of Produce and Consume
	batch   = 1000
)

// limits measures each part against the servers of one stack.
func (c *Config) limits(ctx context.Context) (_ []Limit, err error) {
	cfg := c.Stack
	if cfg.Data, err = os.MkdirTemp("", "feedstream-bench-"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(cfg.Data)) }()
	cfg.Ports = nil
	s, err := stack.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var all []Limit
	for _, what := range []string{Valid, Rows, Produce, Consume} {
		c.Tell("the limit of %s", what)
		limit, err := c.Client(ctx, what, c.Records, cfg.Data)
		if err != nil {
			return nil, fmt.Errorf("measure %s alone: %w", what, err)
		}
		all = append(all, limit)
	}
	return all, nil
}

// Part does one part of the work, as the process of its own that Config.Client runs.
func Part(ctx context.Context, what string, records int, t *target.Target) (Limit, error) {
	work, err := prepare(ctx, what, records, t)
	if err != nil {
		return Limit{}, err
	}
	before, began := process.Self(), time.Now()
	if err := work(); err != nil {
		return Limit{}, err
	}
	seconds := time.Since(began).Seconds()
	return Limit{
		Name: what, RecordsPerSecond: float64(records) / seconds,
		CPU: (process.Self().CPU - before.CPU).Seconds() / (float64(records) / 1e6),
	}, nil
}

// prepare makes all bytes before anything is measured.
func prepare(ctx context.Context, what string, records int, t *target.Target) (func() error, error) {
	switch what {
	case Valid:
		body := push(batch)
		return func() error {
			for range records / batch {
				if !json.Valid(body) {
					return errors.New("the push is no JSON")
				}
			}
			return nil
		}, nil
	case Rows:
		return rows(ctx, records, t)
	case Produce:
		return produce(ctx, records, t)
	case Consume:
		return consume(ctx, records, t)
	}
	return nil, fmt.Errorf("no part is called %q", what)
}

// push is what the platform sends for n records.
func push(n int) []byte {
	body := []byte{'['}
	for i := range n {
		if i > 0 {
			body = append(body, ',')
		}
		body = stream.AppendEvent(body, &kgo.Record{
			Topic: "feed-updates", Partition: int32(i % 4), Offset: int64(i), Timestamp: time.UnixMilli(1605760851123),
			Key: []byte("192.168.2." + strconv.Itoa(i%256)), Value: []byte("2318.HK," + strconv.Itoa(1605760851123+i)),
		}, false)
	}
	return append(body, ']')
}

// record is one of 7,680 rows, as a feed of 256 senders and 30 codes has them.
func record(i int) feed.Record {
	update := feed.Update{
		Sender: "192.168.2." + strconv.Itoa(i%256), StockCode: fmt.Sprintf("%04d.HK", i/256%30), Time: 1605760851123 + int64(i),
	}
	return feed.Join(update, feed.Origin{Topic: "feed-updates", Partition: i % 4, Offset: int64(i)}, nil, "20261123T021500Z-3f2a91c4")
}

func rows(ctx context.Context, records int, t *target.Target) (func() error, error) {
	client, err := t.Table(0)
	if err != nil {
		return nil, err
	}
	layout := phoenix.Layout{Table: t.Names.Table, Index: t.Names.Index, SaltBuckets: 16, IndexSaltBuckets: 16, Uncovered: true}
	pushes := make([]*phoenix.Batch, records/batch)
	for n := range pushes {
		made := make([]feed.Record, batch)
		for i := range made {
			made[i] = record(n*batch + i)
		}
		pushes[n] = layout.Batch(made)
	}
	return func() error {
		for _, rows := range pushes {
			if err := client.WriteRows(ctx, layout.Table, layout.Index, rows); err != nil {
				return err
			}
		}
		return client.Close()
	}, nil
}

func produce(ctx context.Context, records int, t *target.Target) (func() error, error) {
	options, err := t.KafkaOptions()
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(options, kgo.MaxBufferedRecords(50_000), kgo.ProducerBatchCompression(kgo.NoCompression()))...)
	if err != nil {
		return nil, err
	}
	if _, err := kadm.NewClient(client).CreateTopic(ctx, 4, -1, nil, topic); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return nil, fmt.Errorf("create topic %s: %w", topic, err)
	}
	made := make([]*kgo.Record, batch)
	for i := range made {
		r := record(i)
		value, err := json.Marshal(&r)
		if err != nil {
			return nil, err
		}
		made[i] = &kgo.Record{Topic: topic, Key: []byte(r.Sender + "|" + r.StockCode), Value: value}
	}
	return func() error {
		defer client.Close()
		for range records / batch {
			copies := make([]*kgo.Record, batch)
			for i, r := range made {
				copied := *r
				copies[i] = &copied
			}
			if err := client.ProduceSync(ctx, copies...).FirstErr(); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func consume(ctx context.Context, records int, t *target.Target) (func() error, error) {
	options, err := t.KafkaOptions()
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(options, kgo.ConsumeTopics(topic))...)
	if err != nil {
		return nil, err
	}
	return func() error {
		defer client.Close()
		for seen := 0; seen < records/batch*batch; {
			fetches := client.PollFetches(ctx)
			if err := fetches.Err0(); err != nil {
				return err
			}
			seen += fetches.NumRecords()
		}
		return nil
	}, nil
}
