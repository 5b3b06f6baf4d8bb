package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"feedstream/shared/hbase"
	"feedstream/shared/kafka"
	"feedstream/shared/phoenix"
	"feedstream/shared/reference"
	"feedstream/shared/telemetry"
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
// error any part of them may be: writing them again is harmless. It looks at nothing of the batch once it has
// returned.
type rowWriter interface {
	WriteRows(ctx context.Context, table, index string, batch *phoenix.Batch) error
}

// producer encodes messages; what it returns writes them to their topics, when it is called. When that returns
// nil every one is acknowledged by all in-sync replicas, with a *feed.RejectedError all that it does not name.
// After any other error any of them may be, and producing them again duplicates those. It looks at none of them
// once it has returned, nor when it is not called.
type producer interface {
	Prepare(ctx context.Context, messages []kafka.Message) (send func(context.Context) error)
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
	Telemetry       *telemetry.Telemetry // nil tells nobody

	workspaces sync.Pool // of *workspace; what decoders have learned is in it
}

func (e *Enricher) workspace() *workspace {
	if w, ok := e.workspaces.Get().(*workspace); ok {
		return w
	}
	return new(workspace)
}

// mostKept is how many events a push may hold for its workspace to be used again: that of a larger one would keep its
// memory, which nobody counts, from pushes that need none of it.
const mostKept = 10_000

// keep hands a workspace to later pushes, without what it knew of this one.
func (e *Enricher) keep(w *workspace) {
	if len(w.deliveries) > mostKept {
		return
	}
	clear(w.deliveries[:cap(w.deliveries)])
	clear(w.verdicts[:cap(w.verdicts)])
	clear(w.messages[:cap(w.messages)])
	e.workspaces.Put(w)
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
//  5. write all data rows, then the index rows of those acknowledged; records and rejected deliveries are encoded
//     meanwhile
//  6. produce them together
//
// Only an error of the infrastructure fails the push; the platform then sends it again, and every
// step may be repeated. A bad element is set aside and fails nothing, and so does one that a sink
// rejects for good in step 5 or 6. HBase comes before Kafka, so that whoever reads a record finds the
// row at that event time or newer.
//
// Whatever becomes of it, the push logs one line.
func (e *Enricher) Push(ctx context.Context, body []byte) (answer []byte, err error) {
	l := newLine(e.Now, len(body))
	work := e.workspace()
	defer func() {
		l.end(ctx, e, err) // it looks at the workspace
		if err != nil || l.complete {
			e.keep(work) // after a panic a sink may still look at it
		}
	}()

	l.enter(decode)
	if err := work.decode(body); err != nil {
		return nil, fmt.Errorf("decode the push: %w", err)
	}
	l.deliveries = work.deliveries
	l.enter(takeSnapshot)
	snapshot, err := e.Snapshots.Current(ctx)
	if err != nil {
		return nil, fmt.Errorf("take the reference snapshot: %w", err)
	}
	l.snapshot = &snapshot
	l.enter(checkLayout)
	layout, err := e.Layouts.Layout(ctx)
	if err != nil {
		return nil, fmt.Errorf("check the layout of the table: %w", err)
	}

	l.layout = layout
	l.enter(judgeAll)
	work.judge(snapshot.Snapshot, e.Now())
	l.verdicts = work.verdicts
	out, err := e.prepare(ctx, work, work.all())
	if err != nil {
		return nil, err
	}
	defer out.wait()
	if l.rows, err = e.writeRows(hbase.WithPhases(ctx, l.enterRows), layout, work); err != nil {
		return nil, err
	}
	l.enter(produce)
	if err := e.produce(ctx, work, out); err != nil {
		return nil, err
	}
	return json.Marshal(l.succeed())
}
