package audit

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"feedstream/local/services/kafka"
	"feedstream/shared/feed"
	feedkafka "feedstream/shared/kafka"
)

var (
	topics  = feed.DefaultTopics()
	noon    = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	discard = slog.New(slog.DiscardHandler)
)

const group = "feed-enrich"

// world is all that an audit looks at, to be spoilt in one place and then audited.
type world struct {
	inputs  [2][]*kgo.Record // by partition; the index is the offset
	out     []feedkafka.Message
	earlier []feedkafka.Message // four hours before noon; out is of one o'clock
	later   []feedkafka.Message // at three o'clock
	commits map[int32]int64
	rows    []Row
	index   []IndexRow
}

func origin(partition int, offset int64) feed.Origin {
	return feed.Origin{Topic: topics.Input, Partition: partition, Offset: offset}
}

// event is a record of the input topic that is a valid update, ms after noon.
func event(sender, code string, ms int64) *kgo.Record {
	at := noon.UnixMilli() + ms
	return &kgo.Record{Key: []byte(sender), Value: fmt.Appendf(nil, "%s,%d", code, at), Timestamp: time.UnixMilli(at)}
}

// record is the output record of an input record.
func (w *world) record(partition int, offset int64, entry *feed.Entry, version string) feed.Record {
	in := w.inputs[partition][offset]
	d := Reading(in)
	update, why := d.Update(endOfTime)
	if why != nil {
		panic(why)
	}
	return feed.Join(update, origin(partition, offset), entry, version)
}

// enrich gives an input record its output record, its row and its index row.
func (w *world) enrich(partition int, offset int64, entry *feed.Entry, version string) {
	r := w.record(partition, offset, entry, version)
	w.out = append(w.out, feedkafka.RecordMessage(topics.Output, &r))
	w.putRow(r)
}

func (w *world) putRow(r feed.Record) {
	for i := range w.rows {
		if w.rows[i].Record.RowKey() == r.RowKey() {
			w.rows[i] = Row{Record: r, CellTime: r.Time}
			w.index[i].CellTime = r.Time
			return
		}
	}
	w.rows = append(w.rows, Row{Record: r, CellTime: r.Time})
	w.index = append(w.index, IndexRow{StockCode: r.StockCode, RowKey: r.RowKey(), CellTime: r.Time})
}

func (w *world) quarantine(partition int, offset int64, reason feed.Reason) {
	d := feed.Delivery{Origin: origin(partition, offset), Key: "k", Value: "v", Form: feed.Text}
	why := feed.Rejection{Reason: reason, Detail: "so"}
	w.out = append(w.out, feedkafka.QuarantineMessage(topics.Quarantine, &d, &why, noon))
}

func deadLetter(partition int, offset int64) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"x","source":"s","type":"t","data":{"topic":"%s","partition":%d,"offset":%d,`+
		`"timestamp":1605760851123,"headers":{"headers":[],"isReadOnly":false},"key":"k","value":"v"}}`, topics.Input, partition, offset)
}

func (w *world) deadLetter(value string) {
	w.out = append(w.out, feedkafka.Message{Topic: topics.DeadLetter, Value: []byte(value)})
}

// balancedWorld has one of each verdict, a record under way, a repeated push, and a row that was
// updated.
func balancedWorld() *world {
	w := &world{commits: map[int32]int64{0: 9, 1: 5}}
	for i := range 10 {
		w.inputs[0] = append(w.inputs[0], event(fmt.Sprint("a", i), "2318.HK", int64(i)))
	}
	for i := range 5 {
		w.inputs[1] = append(w.inputs[1], event(fmt.Sprint("b", min(i, 3)), "0001.HK", int64(i)))
	}
	w.inputs[0][7].Value = []byte("malformed")
	price := feed.Price(782_500)
	entry := &feed.Entry{Name: "Ping An", Price: &price}
	for offset := range int64(6) {
		w.enrich(0, offset, entry, "v1")
	}
	w.enrich(0, 0, nil, "v2") // the push came again after a refresh
	w.enrich(0, 6, nil, "v1")
	w.quarantine(0, 7, feed.MalformedValue)
	w.deadLetter(deadLetter(0, 8))
	for offset := range int64(5) {
		w.enrich(1, offset, entry, "v1")
	}
	return w
}

// Rows and IndexRows make the world a Table.
func (w *world) Rows(context.Context) iter.Seq2[Row, error] { return sequence(w.rows) }

func (w *world) IndexRows(context.Context) iter.Seq2[IndexRow, error] { return sequence(w.index) }

func sequence[T any](all []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, one := range all {
			if !yield(one, nil) {
				return
			}
		}
	}
}

func startKafka(t testing.TB) *kafka.Server {
	t.Helper()
	s, err := kafka.Start(kafka.Options{Addr: "127.0.0.1:0", Dir: t.TempDir(), Topics: kafka.FeedTopics(kafka.Names(topics), 2)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// write fills a broker with the world.
func (w *world) write(t testing.TB, s *kafka.Server) {
	t.Helper()
	ctx := testContext(t)
	c, err := kgo.NewClient(kgo.SeedBrokers(s.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for partition, records := range w.inputs {
		for _, r := range records {
			r.Topic, r.Partition = topics.Input, int32(partition)
			c.Produce(ctx, r, func(_ *kgo.Record, err error) {
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	if err := c.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	produceAt(t, s, noon.Add(-4*time.Hour), w.earlier...)
	produce(t, s, w.out...)
	produceAt(t, s, noon.Add(3*time.Hour), w.later...)
	commit(t, s, w.commits)
}

// produce writes verdicts an hour after noon.
func produce(t testing.TB, s *kafka.Server, messages ...feedkafka.Message) {
	t.Helper()
	produceAt(t, s, noon.Add(time.Hour), messages...)
}

func produceAt(t testing.TB, s *kafka.Server, at time.Time, messages ...feedkafka.Message) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(s.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx := testContext(t)
	for _, m := range messages {
		r := &kgo.Record{Topic: m.Topic, Key: m.Key, Value: m.Value, Timestamp: at}
		for _, h := range m.Headers {
			r.Headers = append(r.Headers, kgo.RecordHeader(h))
		}
		c.Produce(ctx, r, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := c.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

func commit(t testing.TB, s *kafka.Server, commits map[int32]int64) {
	t.Helper()
	if len(commits) == 0 {
		return
	}
	client, err := Kafka{Brokers: []string{s.Addr()}}.ask()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = group, -1
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic = topics.Input
	for p, offset := range maps.All(commits) {
		partition := kmsg.NewOffsetCommitRequestTopicPartition()
		partition.Partition, partition.Offset = p, offset
		topic.Partitions = append(topic.Partitions, partition)
	}
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(testContext(t), client)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}
