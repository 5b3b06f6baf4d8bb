package main

import (
	"context"
	"errors"
	"fmt"

	"feedstream/shared/feed"
	"feedstream/shared/kafka"
	"feedstream/shared/phoenix"
)

// rejectedOf tells a sink that rejects some of what it was given for good, and has acknowledged the rest,
// from one that failed.
func rejectedOf(err error) (*feed.RejectedError, error) {
	var rejected *feed.RejectedError
	if errors.As(err, &rejected) {
		return rejected, nil
	}
	return &feed.RejectedError{}, err
}

// tell logs what a sink rejects: the records are safe, and yet somebody has to look.
func (e *Enricher) tell(ctx context.Context, rejected *feed.RejectedError) {
	if len(rejected.Rejections) > 0 {
		e.Logger.WarnContext(ctx, "a sink rejects records for good", "error", rejected)
	}
}

// mostTries bounds how many events of one row are tried one after the other. A table that takes none of
// them would otherwise use up the push's time, and the push would come again for ever.
const mostTries = 10

// writeRows writes the newest event of each row and returns how many rows are written. An event whose row
// HBase rejects is set aside and the next older one of the push is the row.
//
// A row whose data is written and whose index row is rejected stays in the table: a delete at its event
// time would hide older events too. Its event is set aside, and the audit counts the row as ahead.
func (e *Enricher) writeRows(ctx context.Context, layout *phoenix.Layout, work *workspace) (written int, err error) {
	verdicts := work.verdicts
	among := work.accepted()
	for tries := 1; ; tries++ {
		state := work.merger.newest(verdicts, among)
		work.rows.Reset(layout)
		for _, v := range state {
			work.rows.Add(&verdicts[v].record)
		}
		rejected, err := rejectedOf(e.Rows.WriteRows(ctx, layout.Table, layout.Index, &work.rows))
		if err != nil {
			return 0, fmt.Errorf("write %d rows to HBase: %w", len(state), err)
		}
		e.tell(ctx, rejected)
		written += len(state) - len(rejected.Rejections)
		if among = setAside(verdicts, among, state, rejected, tries == mostTries); len(among) == 0 {
			return written, nil
		}
	}
}

// rowKey names a row without making a string of it.
type rowKey struct{ sender, code string }

func (v *verdict) row() rowKey { return rowKey{v.record.Sender, v.record.StockCode} }

// setAside rejects those of the written records that HBase rejects, and returns the older ones of their
// rows: they are the state now. With all, these are rejected too.
func setAside(verdicts []verdict, work, written []int, rejected *feed.RejectedError, all bool) (older []int) {
	rows := make(map[rowKey]*feed.Rejection, len(rejected.Rejections))
	for _, r := range rejected.Rejections {
		v := &verdicts[written[r.Index]]
		v.why = feed.RejectedBy(rejected.Sink, r.Reason)
		rows[v.row()] = v.why
	}
	if len(rows) == 0 {
		return nil
	}
	for _, i := range work {
		why := rows[verdicts[i].row()]
		switch {
		case why == nil || verdicts[i].why != nil:
		case all:
			verdicts[i].why = why
		default:
			older = append(older, i)
		}
	}
	return older
}

// output is what a push has still to produce, according to its verdicts as they are.
type output struct {
	left     []outgoing
	messages []kafka.Message
	records  int // of the messages
	prepared chan struct{}
	sending  func(context.Context) error // once they are prepared
}

// prepare has what is left of a push encoded beside what its caller does. Whoever does not send it waits for it, before
// the workspace is used for another push.
func (e *Enricher) prepare(ctx context.Context, work *workspace, left []outgoing) (*output, error) {
	o := &output{left: left, records: len(work.accepted()), prepared: make(chan struct{})}
	var err error
	if o.messages, err = e.messages(work, left); err != nil {
		return nil, err
	}
	go func() {
		defer close(o.prepared)
		o.sending = e.Topics.Prepare(ctx, o.messages)
	}()
	return o, nil
}

// wait returns once the messages are prepared.
func (o *output) wait() { <-o.prepared }

func (o *output) send(ctx context.Context) error {
	o.wait()
	return o.sending(ctx)
}

// produce sends all records, those merged away in HBase included, and all deliveries that are set aside: as they were
// prepared, when HBase has rejected none since. What Kafka rejects of it follows: a record is set aside, and of a
// delivery set aside as much as its topic takes. The row of a record that is set aside here stays, as that of a push
// given up: the audit counts it as ahead.
func (e *Enricher) produce(ctx context.Context, work *workspace, o *output) (err error) {
	verdicts := work.verdicts
	if len(work.accepted()) < o.records {
		o.wait()
		if o, err = e.prepare(ctx, work, work.all()); err != nil {
			return err
		}
	}
	for len(o.left) > 0 {
		rejected, err := rejectedOf(o.send(ctx))
		if err != nil {
			return fmt.Errorf("produce %d messages: %w", len(o.messages), err)
		}
		e.tell(ctx, rejected)
		again := make([]outgoing, len(rejected.Rejections))
		for i, r := range rejected.Rejections {
			again[i] = outgoing{verdict: o.left[r.Index].verdict}
			if v := &verdicts[again[i].verdict]; v.why == nil {
				v.why = feed.RejectedBy(rejected.Sink, r.Reason)
			} else {
				again[i].limit, again[i].refusal = less(o.messages[r.Index].Size()), r.Reason
			}
		}
		if len(again) == 0 {
			break
		}
		if o, err = e.prepare(ctx, work, again); err != nil {
			return err
		}
	}
	return nil
}

// outgoing is a message still to be produced.
type outgoing struct {
	verdict int    // its number
	limit   int    // the size to which a delivery set aside is cut; 0: not cut
	refusal string // what Kafka said of the last size
}

// less is the size to try after one that a topic does not take: Kafka does not say what it would take.
func less(size int) int {
	if size > feed.MaxSetAsideBytes {
		return feed.MaxSetAsideBytes
	}
	return size / 2
}

// messages are those of the records and of the deliveries set aside. A delivery that its topic does not
// take even without key and value fails the push: the topic is to be mended.
func (e *Enricher) messages(work *workspace, left []outgoing) ([]kafka.Message, error) {
	work.messages = work.messages[:0]
	now := e.Now()
	for _, out := range left {
		v, d := &work.verdicts[out.verdict], &work.deliveries[out.verdict]
		switch {
		case v.why == nil:
			m := kafka.Message{Topic: e.OutputTopic, Record: &v.record}
			m.SetTraceparent(d.Traceparent)
			work.messages = append(work.messages, m)
		case out.limit == 0:
			work.messages = append(work.messages, kafka.QuarantineMessage(e.QuarantineTopic, d, v.why, now))
		default:
			m, fits := kafka.CutQuarantineMessage(e.QuarantineTopic, d, v.why, now, out.limit)
			if !fits {
				return nil, fmt.Errorf("set aside %s: topic %s takes not even what is said of it: %s: correct its settings, max.message.bytes should be %d",
					d.Origin, e.QuarantineTopic, out.refusal, feed.MaxSetAsideBytes)
			}
			work.messages = append(work.messages, m)
		}
	}
	return work.messages, nil
}
