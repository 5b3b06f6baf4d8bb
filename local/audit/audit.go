// Package audit holds the feed to its promise: every record of the input topic has a verdict, every
// row of the table is the newest event of its key, and the index agrees with the table.
//
// The verdict over an input record is the strongest evidence there is of it: an output record, else a
// quarantine record, else a dead letter. An audit reads the topics in full, the table and its index, on
// a system at rest or at work: it looks in the order against that of the writers, so that what it has
// seen at one place must be there at the next. Verdicts keeps the count of verdicts while the system
// runs.
package audit

import (
	"context"
	"fmt"
	"hash/maphash"
	"runtime"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/shared/feed"
	"feedstream/shared/kafka"
)

// Config says what to audit.
type Config struct {
	Kafka  Kafka
	Topics feed.Topics
	// Group is the consumer group of the trigger. What lies beyond its committed offsets is pending.
	Group string
	// From and To confine the audit of verdicts to a stretch of the input topic; the table is always
	// looked at as a whole.
	From, To Bound
	// Table is the table and its index; nil leaves them out.
	Table Table
}

// Run makes the audit. What it finds wrong is in the report; the error says why none could be made.
func Run(ctx context.Context, cfg Config) (Report, error) {
	ask, err := cfg.Kafka.ask()
	if err != nil {
		return Report{}, err
	}
	defer ask.Close()
	a := &auditor{cfg: cfg, ask: ask, ledger: newLedger(), rows: make(map[string]*rowState), seed: maphash.MakeSeed()}
	// Commits first: whatever they cover has its verdicts already. Then the topics, then the index, then
	// the table, each written before the one read ahead of it. Last the input, which holds every record
	// that any of them speaks of.
	for _, step := range []func(context.Context) error{
		a.readCommits, a.readOutput, a.readQuarantine, a.readDeadLetters, a.readIndex, a.readTable, a.readInput,
	} {
		if err := step(ctx); err != nil {
			return Report{}, err
		}
	}
	a.judge()
	return a.report, nil
}

// auditor is one audit.
type auditor struct {
	cfg     Config
	ask     *kgo.Client
	commits map[int]int64
	all     map[int]stretch // of the input topic
	part    map[int]stretch // of it, what is audited
	ledger  *ledger
	rows    map[string]*rowState // by row key
	seed    maphash.Seed
	report  Report
}

func (a *auditor) readCommits(ctx context.Context) (err error) {
	a.commits, err = committed(ctx, a.ask, a.cfg.Group, a.cfg.Topics.Input)
	return err
}

// outcome is an output record taken apart.
type outcome struct {
	record   feed.Record
	identity uint64 // of what happened
	state    uint64 // of the row it makes
	err      error
}

func (a *auditor) readOutput(ctx context.Context) error {
	var outcomes []outcome
	return a.readAll(ctx, a.cfg.Topics.Output, func(batch []*kgo.Record) error {
		outcomes = append(outcomes[:0], make([]outcome, len(batch))...)
		parallel(len(batch), func(from, to int) {
			var buffer []byte
			for i := from; i < to; i++ {
				o := &outcomes[i]
				if o.record, o.err = kafka.ParseRecord(message(batch[i])); o.err == nil {
					o.identity = a.identity(o.record.Update)
					o.state, buffer = a.state(&o.record, buffer)
				}
			}
		})
		for i := range outcomes {
			a.addOutcome(batch[i], &outcomes[i])
		}
		return nil
	})
}

func (a *auditor) addOutcome(r *kgo.Record, o *outcome) {
	if o.err != nil {
		a.unreadable(r, o.err)
		return
	}
	kind := unmatched
	if o.record.Matched {
		kind = matched
	}
	origin := o.record.Origin
	before, known := a.evidence(r, origin, kind)
	if !known {
		return
	}
	if before&recorded != 0 {
		a.report.Duplicates.Output++
	}
	if !a.ledger.identify(origin.Partition, origin.Offset, o.identity) {
		a.report.Conflicts++
		a.report.problem("conflict", "%s: another output record of %s tells of another event", place(r), origin)
	}
	a.addState(o)
}

func (a *auditor) readQuarantine(ctx context.Context) error {
	return a.readAll(ctx, a.cfg.Topics.Quarantine, func(batch []*kgo.Record) error {
		for _, r := range batch {
			q, err := kafka.ParseQuarantine(message(r))
			if err != nil {
				a.unreadable(r, err)
				continue
			}
			if before, known := a.evidence(r, q.Delivery.Origin, markOf(q.Rejection.Reason)); known && before&quarantined != 0 {
				a.report.Duplicates.Quarantine++
			}
		}
		return nil
	})
}

func (a *auditor) readDeadLetters(ctx context.Context) error {
	return a.readAll(ctx, a.cfg.Topics.DeadLetter, func(batch []*kgo.Record) error {
		for _, r := range batch {
			deliveries, err := deadLetters(r)
			if err != nil {
				a.unreadable(r, err)
				continue
			}
			for i := range deliveries {
				if before, known := a.evidence(r, deliveries[i].Origin, deadLettered); known && before&deadLettered != 0 {
					a.report.Duplicates.DeadLetter++
				}
			}
		}
		return nil
	})
}

// evidence adds what one record says of its origin. An origin in another topic is a stray at once.
func (a *auditor) evidence(r *kgo.Record, origin feed.Origin, m mark) (before mark, known bool) {
	if origin.Topic != a.cfg.Topics.Input || origin.Partition < 0 || origin.Offset < 0 {
		a.report.Strays++
		a.report.problem("stray", "%s speaks of %s, which is no record of topic %s", place(r), origin, a.cfg.Topics.Input)
		return 0, false
	}
	return a.ledger.add(origin.Partition, origin.Offset, m), true
}

func (a *auditor) unreadable(r *kgo.Record, err error) {
	a.report.Unreadable++
	a.report.problem("unreadable", "%s: %v", place(r), err)
}

func place(r *kgo.Record) string {
	return feed.Origin{Topic: r.Topic, Partition: int(r.Partition), Offset: r.Offset}.String()
}

// readInput marks the offsets that exist, and compares each record with what its output record tells.
func (a *auditor) readInput(ctx context.Context) (err error) {
	if a.all, err = whole(ctx, a.ask, a.cfg.Topics.Input); err != nil {
		return err
	}
	if a.part, err = within(ctx, a.ask, a.cfg.Topics.Input, a.all, a.cfg.From, a.cfg.To); err != nil {
		return err
	}
	return a.cfg.Kafka.read(ctx, a.cfg.Topics.Input, a.part, func(batch []*kgo.Record) error {
		for _, r := range batch {
			partition := int(r.Partition)
			a.ledger.add(partition, r.Offset, exists)
			m, told := a.ledger.at(partition, r.Offset)
			if m&recorded != 0 && told != a.happened(r) {
				a.report.Altered++
				a.report.problem("altered", "%s: its output record tells of another event", place(r))
			}
			a.addSuccessor(r)
		}
		return nil
	})
}

// endOfTime is a clock to which no event time lies in the future: whether one did was decided when the
// record was enriched.
var endOfTime = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)

// happened is the identity of an input record's event, 0 when it is no valid update.
func (a *auditor) happened(r *kgo.Record) uint64 {
	d := feed.Delivery{Key: string(r.Key), Value: string(r.Value), Form: feed.Text}
	update, why := d.Update(endOfTime)
	if why != nil {
		return 0
	}
	return a.identity(update)
}

func (a *auditor) identity(u feed.Update) uint64 { return max(1, maphash.Comparable(a.seed, u)) }

// readAll reads a topic up to its present end.
func (a *auditor) readAll(ctx context.Context, topic string, f func([]*kgo.Record) error) error {
	parts, err := whole(ctx, a.ask, topic)
	if err != nil {
		return err
	}
	return a.cfg.Kafka.read(ctx, topic, parts, f)
}

// parallel splits 0..n among the processors.
func parallel(n int, f func(from, to int)) {
	workers := min(runtime.GOMAXPROCS(0), n/64+1)
	var running sync.WaitGroup
	for w := range workers {
		running.Go(func() { f(w*n/workers, (w+1)*n/workers) })
	}
	running.Wait()
}

// judge counts the verdicts, the gaps and the strays.
func (a *auditor) judge() {
	a.report.QuarantinedByReason = make(map[feed.Reason]int)
	for _, partition := range sorted(a.part) {
		a.judgePartition(partition, a.part[partition])
	}
	a.ledger.each(a.judgeStray)
	a.judgeRows()
	a.report.Balanced = a.report.balanced()
}

func (a *auditor) judgePartition(partition int, part stretch) {
	commit := a.commits[partition]
	var gap *Gap
	for offset := part.from; offset < part.to; offset++ {
		m, _ := a.ledger.at(partition, offset)
		if m&exists == 0 {
			continue
		}
		a.report.count(m)
		switch {
		case m&evidence != 0:
			gap = nil
		case offset >= commit:
			a.report.Pending++
			gap = nil
		case gap == nil:
			a.report.Gaps = append(a.report.Gaps, Gap{Partition: partition, From: offset, To: offset, Records: 1})
			gap = &a.report.Gaps[len(a.report.Gaps)-1]
		default:
			gap.To = offset
			gap.Records++
		}
	}
}

// judgeStray finds evidence of records that the input topic does not hold. What lies before its start
// was there once; what lies outside of the audited stretch is not looked at.
func (a *auditor) judgeStray(partition int, offset int64, m mark) {
	all, present := a.all[partition]
	part, audited := a.part[partition]
	inside := audited && offset >= part.from && offset < part.to
	if m&exists == 0 && (!present || offset >= all.to || inside) {
		a.report.Strays++
		a.report.problem("stray", "there is evidence of %s, which does not exist",
			fmt.Sprintf("%s/%d/%d", a.cfg.Topics.Input, partition, offset))
	}
}
