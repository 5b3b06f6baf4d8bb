// Package trace follows one input record through a feed: its bytes, the update that the functions read in them, the
// record that came of it or the reason for which it was set aside, and the row as its table holds it now.
package trace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/audit"
	"feedstream/local/target"
	"feedstream/shared/feed"
	"feedstream/shared/kafka"
	"feedstream/shared/phoenix"
)

// Verdict is what became of an input record.
type Verdict string

// Verdicts of a record: the strongest evidence that there is.
const (
	Enriched     Verdict = "enriched"
	Unmatched    Verdict = "unmatched"
	Quarantined  Verdict = "quarantined"
	DeadLettered Verdict = "dead-lettered"
	Waiting      Verdict = "waiting" // none yet
)

// Way is that of one input record. What it has not come to is nil.
type Way struct {
	Origin  feed.Origin `json:"origin"`
	Verdict Verdict     `json:"verdict"`
	Input   *Message    `json:"input"` // nil when the topic does not hold it any more
	// Update is what the functions read in the input, Rejection why they read none.
	Update    *feed.Update    `json:"update,omitempty"`
	Rejection *feed.Rejection `json:"rejection,omitempty"`
	Output    *Message        `json:"output,omitempty"` // in the output topic
	Record    *feed.Record    `json:"record,omitempty"` // what the output holds
	Aside     *Message        `json:"aside,omitempty"`  // in the quarantine or dead-letter topic
	Row       *Row            `json:"row,omitempty"`
}

// Message is a record of a topic.
type Message struct {
	Topic     string            `json:"topic"`
	Partition int32             `json:"partition"`
	Offset    int64             `json:"offset"`
	Time      time.Time         `json:"time"`
	Key       []byte            `json:"key"`
	Value     []byte            `json:"value"`
	Headers   map[string]string `json:"headers,omitempty"`
}

func message(r *kgo.Record) *Message {
	m := &Message{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Time: r.Timestamp.UTC(), Key: r.Key, Value: r.Value,
		Headers: map[string]string{},
	}
	for _, h := range r.Headers {
		m.Headers[h.Key] = string(h.Value)
	}
	return m
}

// Feed finds the ways of the records of one feed.
type Feed struct {
	target *target.Target
	kafka  audit.Kafka
}

// Of returns the feed of a target.
func Of(t *target.Target) (*Feed, error) {
	options, err := t.KafkaOptions()
	if err != nil {
		return nil, err
	}
	return &Feed{target: t, kafka: audit.Kafka{Brokers: t.Kafka.Brokers, Options: options}}, nil
}

// errFound ends a read early.
var errFound = errors.New("found")

// Find follows the input record at an origin. The topics are read from its time on, so it costs more the older it is.
func (f *Feed) Find(ctx context.Context, origin feed.Origin) (*Way, error) {
	if origin.Topic == "" {
		origin.Topic = f.target.Names.Topics.Input
	}
	way := &Way{Origin: origin, Verdict: Waiting}
	since := audit.Bound{}
	err := f.kafka.ReadAt(ctx, origin.Topic, []feed.Origin{origin}, func(r *kgo.Record) error {
		way.Input = message(r)
		since = audit.Since(r.Timestamp)
		delivery := audit.Reading(r)
		update, why := delivery.Update(r.Timestamp)
		if way.Rejection = why; why == nil {
			way.Update = &update
		}
		return nil
	})
	if err == nil {
		err = f.findVerdict(ctx, way, since)
	}
	if err == nil && way.Verdict == Waiting {
		err = f.canBe(ctx, origin)
	}
	if err != nil {
		return nil, fmt.Errorf("follow %s: %w", origin, err)
	}
	return way, f.findRow(ctx, way)
}

// canBe refuses an origin that no input record can have: nothing would ever come of waiting for it.
func (f *Feed) canBe(ctx context.Context, origin feed.Origin) error {
	if input := f.target.Names.Topics.Input; origin.Topic != input {
		return fmt.Errorf("the input topic is %s", input)
	}
	return f.kafka.Check(ctx, origin.Topic, audit.At(origin.Partition, origin.Offset), audit.Bound{})
}

// findVerdict looks for the evidence that there is, the strongest first.
func (f *Feed) findVerdict(ctx context.Context, way *Way, since audit.Bound) error {
	topics := f.target.Names.Topics
	for _, place := range []struct {
		topic string
		take  func(*kgo.Record) bool
	}{{topics.Output, way.output}, {topics.Quarantine, way.quarantined}, {topics.DeadLetter, way.deadLettered}} {
		err := f.kafka.Read(ctx, place.topic, since, audit.Bound{}, func(batch []*kgo.Record) error {
			for _, r := range batch {
				if place.take(r) {
					return errFound
				}
			}
			return nil
		})
		if errors.Is(err, errFound) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *Way) output(r *kgo.Record) bool {
	if origin, err := feed.ParseOrigin(audit.Header(r, feed.HeaderID)); err != nil || origin != w.Origin {
		return false
	}
	w.Output, w.Verdict = message(r), Unmatched
	record, err := kafka.ParseRecord(audit.Message(r))
	if err != nil {
		return true // somebody else's: its bytes are shown
	}
	if w.Record = &record; record.Matched {
		w.Verdict = Enriched
	}
	if w.Update == nil { // the input is gone
		w.Update = &record.Update
	}
	return true
}

func (w *Way) quarantined(r *kgo.Record) bool {
	q, err := kafka.ParseQuarantine(audit.Message(r))
	if err != nil || q.Delivery.Origin != w.Origin {
		return false
	}
	w.Aside, w.Verdict, w.Rejection, w.Update = message(r), Quarantined, &q.Rejection, nil
	return true
}

func (w *Way) deadLettered(r *kgo.Record) bool {
	deliveries, err := audit.DeadLetters(r)
	if err != nil {
		return false
	}
	for i := range deliveries {
		if deliveries[i].Origin == w.Origin {
			w.Aside, w.Verdict = message(r), DeadLettered
			return true
		}
	}
	return false
}

// FindRow follows the input record that the row of a key was last written for.
func (f *Feed) FindRow(ctx context.Context, rowKey string) (*Way, error) {
	row, err := f.row(ctx, rowKey)
	if err != nil {
		return nil, err
	}
	if row == nil {
		return nil, fmt.Errorf("the table %s has no row %q: a row key is <sender>|<stock code>", f.target.Names.Table, rowKey)
	}
	if row.Problem != "" {
		return nil, fmt.Errorf("the row %q of table %s names no record: %s", rowKey, f.target.Names.Table, row.Problem)
	}
	way, err := f.Find(ctx, row.Record.Origin)
	if err != nil {
		return nil, err
	}
	way.Row = row
	return way, nil
}

func (f *Feed) findRow(ctx context.Context, way *Way) (err error) {
	if way.Update == nil {
		return nil
	}
	way.Row, err = f.row(ctx, way.Update.RowKey())
	return err
}

// row is nil when there is none.
func (f *Feed) row(ctx context.Context, key string) (*Row, error) {
	table, closeTable, err := audit.Open(ctx, f.target)
	if err != nil {
		return nil, err
	}
	defer func() { _ = closeTable() }() // all was read
	dataKey := table.Layout.DataKey(key)
	only := phoenix.Range{Start: dataKey, Stop: append(dataKey[:len(dataKey):len(dataKey)], 0)}
	for stored, err := range table.Scanner.Scan(ctx, table.Layout.Table, only) {
		if err != nil {
			return nil, fmt.Errorf("read the row %q: %w", key, err)
		}
		return rowOf(table.Layout, key, &stored), nil
	}
	return nil, nil
}
