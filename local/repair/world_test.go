package repair

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/audit"
	"feedstream/local/platform/stream"
	"feedstream/local/services/kafka"
	"feedstream/shared/feed"
	feedkafka "feedstream/shared/kafka"
)

var topics = feed.DefaultTopics()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a feed whose records are judged at once, by the functions' own checks, when judge is called.
type world struct {
	t      testing.TB
	server *kafka.Server
	feed   *Feed
}

func newWorld(t testing.TB) *world {
	t.Helper()
	s, err := kafka.Start(kafka.Options{Addr: "127.0.0.1:0", Dir: t.TempDir(), Topics: kafka.FeedTopics(kafka.Names(topics), 2)})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return &world{t: t, server: s, feed: &Feed{topics: topics, kafka: audit.Kafka{Brokers: []string{s.Addr()}}, now: time.Now, flush: 50 * time.Millisecond, chunk: 100}}
}

func (w *world) context() context.Context {
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	w.t.Cleanup(cancel)
	return ctx
}

// publish sends records to their topics, the input topic where they name none.
func (w *world) publish(records ...*kgo.Record) {
	w.t.Helper()
	client, err := w.feed.client(kgo.DefaultProduceTopic(topics.Input), kgo.ProducerBatchMaxBytes(feed.MaxInputBytes))
	must(w.t, err)
	defer client.Close()
	must(w.t, client.ProduceSync(w.context(), records...).FirstErr())
}

// input returns what the input topic holds, each partition in order.
func (w *world) input() (all []*kgo.Record) {
	w.t.Helper()
	must(w.t, w.feed.kafka.Read(w.context(), topics.Input, audit.Bound{}, audit.Bound{}, func(batch []*kgo.Record) error {
		all = append(all, batch...)
		return nil
	}))
	return all
}

// judge gives verdicts to the records that have none: what is valid has an output record, all else is set
// aside.
func (w *world) judge() {
	w.t.Helper()
	var messages []feedkafka.Message
	known := map[feed.Origin]bool{}
	for _, topic := range []string{topics.Output, topics.Quarantine} {
		must(w.t, w.feed.kafka.Read(w.context(), topic, audit.Bound{}, audit.Bound{}, func(batch []*kgo.Record) error {
			for _, r := range batch {
				if origin, err := feed.ParseOrigin(audit.Header(r, feed.HeaderID)); err == nil {
					known[origin] = true
				} else if origin, err := feedkafka.QuarantineOrigin(audit.Message(r)); err == nil {
					known[origin] = true
				}
			}
			return nil
		}))
	}
	for _, r := range w.input() {
		if known[originOf(r)] {
			continue
		}
		deliveries, err := delivered(r)
		must(w.t, err)
		update, why := deliveries[0].Update(time.Now())
		if why != nil {
			messages = append(messages, setAside(&deliveries[0], why))
			continue
		}
		record := feed.Join(update, deliveries[0].Origin, nil, "v1")
		messages = append(messages, feedkafka.RecordMessage(topics.Output, &record))
	}
	w.produce(messages...)
}

func (w *world) produce(messages ...feedkafka.Message) {
	w.t.Helper()
	p, err := feedkafka.New(feedkafka.Config{Brokers: []string{w.server.Addr()}})
	must(w.t, err)
	defer p.Close()
	must(w.t, p.Produce(w.context(), messages))
}

// giveUp writes records of the input topic to the dead-letter topic, as one push.
func (w *world) giveUp(rawData, together bool, records ...*kgo.Record) {
	w.t.Helper()
	var push []byte
	for i, r := range records {
		if !together {
			w.produce(feedkafka.Message{Topic: topics.DeadLetter, Key: r.Key, Value: stream.AppendEvent(nil, r, rawData)})
			continue
		}
		push = stream.AppendEvent(append(push, "[,"[min(i, 1)]), r, rawData)
	}
	if together {
		w.produce(feedkafka.Message{Topic: topics.DeadLetter, Value: append(push, ']')})
	}
}

func (w *world) redrive(from Source, r Redrive) Summary {
	w.t.Helper()
	summary, err := w.feed.Redrive(w.context(), from, r)
	must(w.t, err)
	return summary
}

// successors returns the redriven records by the origin that they take the place of.
func (w *world) successors() map[string][]*kgo.Record {
	w.t.Helper()
	found := map[string][]*kgo.Record{}
	for _, r := range w.input() {
		if from := audit.Header(r, feed.HeaderRedrivenFrom); from != "" {
			found[from] = append(found[from], r)
		}
	}
	return found
}

func update(key, code string) *kgo.Record {
	return &kgo.Record{Key: []byte(key), Value: fmt.Appendf(nil, "%s,%d", code, time.Now().UnixMilli())}
}

func bad(key, value string) *kgo.Record {
	return &kgo.Record{Key: orNull(key), Value: orNull(value)}
}

// deleteFirst deletes the first record of the partition that holds the oldest one.
func (w *world) deleteFirst() {
	w.t.Helper()
	client, err := w.feed.client()
	must(w.t, err)
	defer client.Close()
	var offsets kadm.Offsets
	offsets.AddOffset(topics.Input, w.input()[0].Partition, 1, -1)
	deleted, err := kadm.NewClient(client).DeleteRecords(w.context(), offsets)
	must(w.t, err)
	must(w.t, deleted.Error())
}

// setAside cuts what is large.
func setAside(d *feed.Delivery, why *feed.Rejection) feedkafka.Message {
	const most = 2000
	if len(d.Key)+len(d.Value) < most {
		return feedkafka.QuarantineMessage(topics.Quarantine, d, why, time.Now())
	}
	m, _ := feedkafka.CutQuarantineMessage(topics.Quarantine, d, why, time.Now(), most)
	return m
}
