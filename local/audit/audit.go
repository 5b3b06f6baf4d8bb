// Package audit holds the feed to its promise: every record of the input topic has a verdict, every
// row of the table is the newest event of its key, and the index agrees with the table.
//
// The verdict over an input record is the strongest evidence there is of it: an output record, else a
// quarantine record, else a dead letter. An audit reads the topics in full, the table and its index, on
// a system at rest or at work: it looks in the order against that of the writers, so that what it has
// seen at one place must be there at the next. Verdicts keeps the count of verdicts while the system
// runs.
//
// What counts is what the platform delivers, at its real offsets: records, those of aborted transactions
// among them, as the event stream does not wait for transactions to end either. Marks of transactions and
// the holes that a purge or a compaction leaves are nothing, and nothing is expected of them.
package audit

import (
	"context"
	"hash/maphash"
	"runtime"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/stream"
	"feedstream/shared/feed"
	"feedstream/shared/kafka"
)

// Config says what to audit.
type Config struct {
	Kafka  Kafka
	Topics feed.Topics
	// Group is the consumer group of the trigger. What lies beyond its committed offsets is pending.
	Group string
	// From and To confine the audit to a stretch of the input topic. What was written long before From is not
	// read either, and of the rows only those are judged that what was read tells of.
	From, To Bound
	// Table is the table and its index; nil leaves them out.
	Table Table
	// Progress is told how far a step has come, if it is not nil. A total of -1 is not known.
	Progress func(step string, done, total int64)
}

// Run makes the audit. What it finds wrong is in the report; the error says why none could be made.
func Run(ctx context.Context, cfg Config) (Report, error) {
	ask, err := cfg.Kafka.ask()
	if err != nil {
		return Report{}, err
	}
	defer ask.Close()
	a := &auditor{
		cfg: cfg, ask: ask, ledger: newLedger(), rows: make(map[string]*rowState), seed: maphash.MakeSeed(),
		now: time.Now(), faults: faults{topics: cfg.Topics},
	}
	if a.cfg.Progress == nil {
		a.cfg.Progress = func(string, int64, int64) {}
	}
	// Commits first: whatever they cover has its verdicts already. Then the topics, then the index, then
	// the table, each written before the one read ahead of it. Last the input, which holds every record
	// that any of them speaks of.
	for _, step := range []func(context.Context) error{
		a.readGroup, a.readBeginning, a.readOutput, a.readQuarantine, a.readDeadLetters, a.readIndex, a.readTable, a.readInput,
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
	begin   beginning
	all     map[int]stretch // of the input topic
	part    map[int]stretch // of it, what is audited
	ledger  *ledger
	rows    map[string]*rowState // by row key
	seed    maphash.Seed
	now     time.Time // when the audit began
	report  Report
	faults  faults
}

func (a *auditor) readGroup(ctx context.Context) (err error) {
	if a.commits, err = committed(ctx, a.ask, a.cfg.Group, a.cfg.Topics.Input); err != nil {
		return err
	}
	// Who may not ask who is in the group can still audit.
	members, _ := stream.Members(ctx, a.ask, a.cfg.Group, a.cfg.Topics.Input)
	a.report.OtherMembers = stream.Others(members)
	return nil
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
				if o.record, o.err = kafka.ParseRecord(Message(batch[i])); o.err == nil {
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
	if origin.Topic == a.cfg.Topics.Input {
		a.addState(o)
	}
	if !known {
		return
	}
	if before&recorded != 0 {
		a.report.Duplicates.Output++
	}
	if !a.ledger.identify(origin.Partition, origin.Offset, o.identity) {
		a.ledger.add(origin.Partition, origin.Offset, disagrees)
		a.report.Conflicts++
		a.faults.add(Conflicting, 1, "%s: another output record of %s tells of another event", place(r), origin)
	}
}

func (a *auditor) readQuarantine(ctx context.Context) error {
	return a.readAll(ctx, a.cfg.Topics.Quarantine, func(batch []*kgo.Record) error {
		for _, r := range batch {
			q, err := kafka.ParseQuarantine(Message(r))
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
			deliveries, err := DeadLetters(r)
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

// evidence adds what one record says of its origin, unless that lies before what is audited or is a sample. An origin in
// another topic is a stray at once.
func (a *auditor) evidence(r *kgo.Record, origin feed.Origin, m mark) (before mark, known bool) {
	if origin.Topic == feed.SampleTopic {
		a.report.Samples++
		return 0, false
	}
	if origin.Topic != a.cfg.Topics.Input || origin.Partition < 0 || origin.Offset < 0 {
		a.report.Strays++
		a.faults.add(Stray, 1, "%s speaks of %s, which is no record of topic %s", place(r), origin, a.cfg.Topics.Input)
		return 0, false
	}
	if a.begin.excludes(origin) {
		return 0, false
	}
	if a.begin.follows(r, origin) {
		m |= early
	}
	return a.ledger.add(origin.Partition, origin.Offset, m), true
}

func (a *auditor) unreadable(r *kgo.Record, err error) {
	a.report.Unreadable++
	a.faults.add(Unreadable, 1, "%s: %v", place(r), err)
}

func place(r *kgo.Record) string {
	return feed.Origin{Topic: r.Topic, Partition: int(r.Partition), Offset: r.Offset}.String()
}

// readInput marks the offsets that exist, and compares each record with what its output record tells.
func (a *auditor) readInput(ctx context.Context) (err error) {
	if a.all, a.part, err = between(ctx, a.ask, a.cfg.Topics.Input, a.cfg.From, a.cfg.To); err != nil {
		return err
	}
	var events []uint64
	return a.read(ctx, a.cfg.Topics.Input, a.part, func(batch []*kgo.Record) error {
		events = append(events[:0], make([]uint64, len(batch))...)
		parallel(len(batch), func(from, to int) {
			for i := from; i < to; i++ {
				events[i] = a.happened(batch[i])
			}
		})
		for i, r := range batch {
			a.addInput(r, events[i])
			a.addSuccessor(r)
		}
		return nil
	})
}

func (a *auditor) addInput(r *kgo.Record, event uint64) {
	partition := int(r.Partition)
	a.ledger.add(partition, r.Offset, exists)
	m, told := a.ledger.at(partition, r.Offset)
	a.notePending(r, m)
	if m&recorded != 0 && told != event {
		a.ledger.add(partition, r.Offset, disagrees)
		a.report.Altered++
		a.faults.add(Altered, 1, "%s: its output record tells of another event", place(r))
	}
}

// addSuccessor notes which record that was set aside an input record takes the place of, if it does of any.
func (a *auditor) addSuccessor(r *kgo.Record) {
	if len(r.Headers) == 0 {
		return
	}
	origin, err := feed.ParseOrigin(Header(r, feed.HeaderRedrivenFrom))
	if err != nil || origin.Topic != a.cfg.Topics.Input {
		return
	}
	if m, _ := a.ledger.at(origin.Partition, origin.Offset); m&evidence != 0 { // it is evidence of nothing itself
		a.ledger.add(origin.Partition, origin.Offset, redriven)
	}
}

// happened is the identity of an input record's event, 0 when it is no valid update.
func (a *auditor) happened(r *kgo.Record) uint64 {
	update, valid := Event(r)
	if !valid {
		return 0
	}
	return a.identity(update)
}

func (a *auditor) identity(u feed.Update) uint64 { return max(1, maphash.Comparable(a.seed, u)) }

// readAll reads a topic of verdicts, from where those of the audited records can begin up to its present end.
func (a *auditor) readAll(ctx context.Context, topic string, f func([]*kgo.Record) error) error {
	parts, err := whole(ctx, a.ask, topic)
	if err != nil {
		return err
	}
	if parts, err = a.begin.verdicts(ctx, a.ask, topic, parts); err != nil {
		return err
	}
	return a.read(ctx, topic, parts, f)
}

// read is that of the brokers, with progress.
func (a *auditor) read(ctx context.Context, topic string, parts map[int]stretch, f func([]*kgo.Record) error) error {
	var done, total int64
	for _, part := range parts {
		total += max(part.to-part.from, 0)
	}
	a.cfg.Progress(topic, 0, total)
	err := a.cfg.Kafka.read(ctx, topic, parts, func(batch []*kgo.Record) error {
		done += int64(len(batch))
		a.cfg.Progress(topic, done, total)
		return f(batch)
	})
	a.cfg.Progress(topic, total, total)
	return err
}

// step tells of every thousandth row: nobody knows how many there are.
func (a *auditor) step(name string, rows int) {
	if rows%1000 == 0 {
		a.cfg.Progress(name, int64(rows), -1)
	}
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
