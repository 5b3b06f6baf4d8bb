package repair

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/audit"
	"feedstream/shared/feed"
	"feedstream/shared/kafka"
)

// Source is where records are set aside.
type Source int

const (
	// Quarantine holds single records that the enrich function set aside.
	Quarantine Source = iota
	// DeadLetter holds the records of pushes that the platform gave up on.
	DeadLetter
)

// PushFailed stands for the reason of every dead letter.
const PushFailed feed.Reason = "push-failed"

// State is what became of a record since it was set aside.
type State string

const (
	// Open: nothing, it is what a redrive takes.
	Open State = "open"
	// Overtaken: there is stronger evidence of the record, so it needs no repair.
	Overtaken State = "overtaken"
	// Redriven: the input topic holds the record that takes its place.
	Redriven State = "redriven"
	// Unreadable: it is no record that was set aside, whoever wrote it. Its origin is where it stands itself.
	Unreadable State = "unreadable"
)

// Aside is one input record that was set aside, however often.
type Aside struct {
	Origin   string         `json:"origin"` // <topic>/<partition>/<offset>
	State    State          `json:"state"`
	Reason   feed.Reason    `json:"reason"`
	Detail   string         `json:"detail,omitempty"`
	Time     time.Time      `json:"time"` // when it was first set aside
	Redrives int            `json:"redrives"`
	Form     feed.ValueForm `json:"form"`
	Key      string         `json:"key"`
	Value    string         `json:"value"`

	delivery feed.Delivery
	written  time.Time // the time of the record in the quarantine or dead-letter topic
	out      bool      // the filter does not admit it; key and value are not kept
}

// Filter confines a repair. Its zero value confines nothing.
type Filter struct {
	Reason feed.Reason
	Code   string // stock code, as it stands in the value
	Sender string // key
	// From and To are bounds in the input topic: of the record that was set aside, not of its setting aside.
	From, To audit.Bound
}

// Validate refuses a reason that nothing can have which was set aside there, naming those that there are.
func (f *Filter) Validate(from Source) error {
	reasons := append(feed.Reasons(), feed.Reason(Unreadable))
	if from == DeadLetter {
		reasons = []feed.Reason{PushFailed, feed.Reason(Unreadable)}
	}
	if f.Reason == "" || slices.Contains(reasons, f.Reason) {
		return nil
	}
	return fmt.Errorf("reason %q is none of this topic: they are %s", f.Reason, joined(reasons))
}

// validate also refuses bounds in a partition that the input topic does not have.
func (f *Feed) validate(ctx context.Context, from Source, filter *Filter) error {
	if err := filter.Validate(from); err != nil {
		return err
	}
	return f.kafka.Check(ctx, f.topics.Input, filter.From, filter.To)
}

func joined[T ~string](names []T) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ", ")
}

func (f *Filter) admits(a *Aside) bool {
	return (f.Reason == "" || f.Reason == a.Reason) && (f.Sender == "" || f.Sender == a.Key) &&
		(f.Code == "" || f.Code == codeOf(a.Value)) &&
		audit.Between(f.From, f.To, a.delivery.Origin, time.UnixMilli(a.delivery.Timestamp))
}

// List returns what was set aside and passes the filter, in the order of the input topic, each input record
// once.
func (f *Feed) List(ctx context.Context, from Source, filter Filter) ([]Aside, error) {
	if err := f.validate(ctx, from, &filter); err != nil {
		return nil, err
	}
	all, err := f.read(ctx, from, &filter)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(a Aside) bool { return a.out })
	return all, f.setStates(ctx, from, all)
}

// read returns everything that was set aside in the order of the input topic, not looking for evidence.
func (f *Feed) read(ctx context.Context, from Source, filter *Filter) ([]Aside, error) {
	topic, parse := f.topics.Quarantine, quarantined
	if from == DeadLetter {
		topic, parse = f.topics.DeadLetter, deadLetters
	}
	at := make(map[feed.Origin]int) // index in all
	var all []Aside
	err := f.kafka.Read(ctx, topic, audit.Bound{}, audit.Bound{}, func(batch []*kgo.Record) error {
		for _, r := range batch {
			read, err := parse(r)
			if err != nil {
				read = []Aside{unreadable(r, err)}
			}
			for _, a := range read {
				i, again := at[a.delivery.Origin]
				if a.out = !filter.admits(&a); a.out {
					a.Key, a.Value, a.delivery = "", "", feed.Delivery{Origin: a.delivery.Origin}
				}
				if !again {
					at[a.delivery.Origin] = len(all)
					all = append(all, a)
				} else if a.written.Before(all[i].written) {
					all[i].written = a.written
				}
			}
		}
		return nil
	})
	slices.SortFunc(all, func(a, b Aside) int {
		x, y := a.delivery.Origin, b.delivery.Origin
		return cmp.Or(cmp.Compare(x.Topic, y.Topic), cmp.Compare(x.Partition, y.Partition), cmp.Compare(x.Offset, y.Offset))
	})
	return all, err
}

func quarantined(r *kgo.Record) ([]Aside, error) {
	q, err := kafka.ParseQuarantine(audit.Message(r))
	if err != nil {
		return nil, err
	}
	return []Aside{asideOf(r, &q.Delivery, q.Rejection, q.Time)}, nil
}

// deadLetters splits a push, or what is left of one, into its records.
func deadLetters(r *kgo.Record) (all []Aside, err error) {
	deliveries, err := audit.DeadLetters(r)
	if err != nil {
		return nil, err
	}
	why := feed.Rejection{Reason: PushFailed, Detail: "the platform gave its push up"}
	for i := range deliveries {
		if form := audit.Header(r, feed.HeaderValueForm); form != "" { // a letter that was cut says so
			deliveries[i].Form = feed.ValueForm(form)
		}
		all = append(all, asideOf(r, &deliveries[i], why, r.Timestamp))
	}
	return all, nil
}

func unreadable(r *kgo.Record, err error) Aside {
	d := feed.Delivery{Origin: originOf(r), Timestamp: r.Timestamp.UnixMilli(), Key: string(r.Key), Value: string(r.Value)}
	a := asideOf(r, &d, feed.Rejection{Reason: feed.Reason(Unreadable), Detail: err.Error()}, r.Timestamp)
	a.State = Unreadable
	return a
}

func asideOf(r *kgo.Record, d *feed.Delivery, why feed.Rejection, at time.Time) Aside {
	return Aside{
		Origin: d.Origin.String(), State: Open, Reason: why.Reason, Detail: why.Detail, Time: at.UTC(), Redrives: d.Redrives,
		Form: d.Form, Key: d.Key, Value: d.Value, delivery: *d, written: r.Timestamp,
	}
}
