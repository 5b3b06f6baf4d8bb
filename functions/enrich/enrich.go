package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"feedstream/shared/feed"
	"feedstream/shared/kafka"
	"feedstream/shared/phoenix"
	"feedstream/shared/reference"
	"feedstream/shared/trigger"
)

// snapshots hands out the one snapshot that a push is joined with. Its error fails the push: no
// snapshot was ever loaded, or it is too old and the policy forbids serving it.
type snapshots interface {
	Current(ctx context.Context) (reference.View, error)
}

// layouts tells how the table and its index are stored. Its error fails the push: HBase does not
// answer, or the table is laid out in a way this function would damage.
type layouts interface {
	Layout(ctx context.Context) (*phoenix.Layout, error)
}

// rowWriter writes rows to the table and its index. When it returns nil every data row and every
// index row is durable, with a *feed.RejectedError those of all rows it does not name. After any other
// error any part of them may be: writing them again is harmless.
type rowWriter interface {
	WriteRows(ctx context.Context, table, index string, rows []phoenix.Row) error
}

// producer writes messages to topics. When it returns nil every one is acknowledged by all in-sync
// replicas, with a *feed.RejectedError all that it does not name. After any other error any of them may
// be, and producing them again duplicates those.
type producer interface {
	Produce(ctx context.Context, messages []kafka.Message) error
}

// Enricher is the use case of feed-enrich: one push of the event stream becomes rows and records.
type Enricher struct {
	Snapshots       snapshots
	Layouts         layouts
	Rows            rowWriter
	Topics          producer
	OutputTopic     string
	QuarantineTopic string
	Now             func() time.Time
	Logger          *slog.Logger
}

// Summary is what a successful push answers and logs.
type Summary struct {
	Enriched         int     `json:"enriched"`
	Unmatched        int     `json:"unmatched"`
	Quarantined      int     `json:"quarantined"`
	Rows             int     `json:"rows"` // fewer than enriched + unmatched when events of one row were merged
	ReferenceVersion string  `json:"referenceVersion"`
	ReferenceAge     float64 `json:"referenceAgeSeconds"`
	ReferenceStale   bool    `json:"referenceStale"`
}

// Push gives every element of one push its verdict and every sink its data, in this order:
//
//  1. decode the body; each element is a delivery
//  2. take one snapshot for the whole push
//  3. judge each delivery: a record, or a rejection with its reason
//  4. merge the records of one row key: the newest event is the row
//  5. write all data rows, then the index rows of those acknowledged
//  6. produce records and rejected deliveries together
//
// Only an error of the infrastructure fails the push; the platform then sends it again, and every
// step may be repeated. A bad element is set aside and fails nothing, and so does one that a sink
// rejects for good in step 5 or 6. HBase comes before Kafka, so that whoever reads a record finds the
// row at that event time or newer.
func (e *Enricher) Push(ctx context.Context, body []byte) ([]byte, error) {
	deliveries, err := trigger.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("decode the push: %w", err)
	}
	snapshot, err := e.Snapshots.Current(ctx)
	if err != nil {
		return nil, fmt.Errorf("take the reference snapshot: %w", err)
	}
	layout, err := e.Layouts.Layout(ctx)
	if err != nil {
		return nil, fmt.Errorf("check the layout of the table: %w", err)
	}

	verdicts := judge(deliveries, snapshot.Snapshot, e.Now())
	rows, err := e.writeRows(ctx, layout, verdicts)
	if err != nil {
		return nil, err
	}
	if err := e.produce(ctx, deliveries, verdicts); err != nil {
		return nil, err
	}
	return e.report(ctx, verdicts, rows, snapshot)
}

// verdict is what became of one delivery: its record, or why it is set aside.
type verdict struct {
	record feed.Record
	why    *feed.Rejection
}

// judge checks each delivery and joins what passes with the snapshot.
func judge(deliveries []feed.Delivery, snapshot *reference.Snapshot, now time.Time) []verdict {
	verdicts := make([]verdict, len(deliveries))
	version := snapshot.Version()
	for i := range deliveries {
		update, why := deliveries[i].Update(now)
		if why != nil {
			verdicts[i].why = why
			continue
		}
		var entry *feed.Entry
		if found, ok := snapshot.Lookup(update.StockCode); ok {
			entry = &found
		}
		verdicts[i].record = feed.Join(update, deliveries[i].Origin, entry, version)
	}
	return verdicts
}

// report logs one line for the push and returns its answer.
func (e *Enricher) report(ctx context.Context, verdicts []verdict, rows int, snapshot reference.View) ([]byte, error) {
	s := Summary{
		Rows:             rows,
		ReferenceVersion: snapshot.Snapshot.Version(), ReferenceAge: snapshot.Age.Seconds(), ReferenceStale: snapshot.Stale,
	}
	for i := range verdicts {
		switch v := &verdicts[i]; {
		case v.why != nil:
			s.Quarantined++
		case v.record.Matched:
			s.Enriched++
		default:
			s.Unmatched++
		}
	}
	level := slog.LevelInfo
	if s.ReferenceStale {
		level = slog.LevelWarn
	}
	e.Logger.Log(ctx, level, "push", "enriched", s.Enriched, "unmatched", s.Unmatched, "quarantined", s.Quarantined,
		"rows", s.Rows, "referenceVersion", s.ReferenceVersion, "referenceAge", snapshot.Age,
		"referenceStale", s.ReferenceStale)
	return json.Marshal(s)
}
