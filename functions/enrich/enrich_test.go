package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"feedstream/shared/config"
	"feedstream/shared/feed"
	"feedstream/shared/hbase"
	"feedstream/shared/kafka"
	"feedstream/shared/phoenix"
	"feedstream/shared/reference"
	"feedstream/shared/testkit"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// world is a reference and sinks in memory. The table keeps, as HBase does, the newest cell of each
// row and the last one written of equal timestamps.
type world struct {
	snapshotErr, layoutErr, rowsErr, topicsErr error

	// What a sink rejects for good, and why; nil or an empty answer rejects nothing.
	refuseRow     func(*phoenix.Row) string
	refuseMessage func(*kafka.Message) string

	snapshot *reference.Snapshot
	stale    bool
	data     map[string]phoenix.Put
	index    map[string]int64
	produced []kafka.Message
	calls    []string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	price := feed.Price(782_500)
	body := reference.Encode(map[string]feed.Entry{
		"2318.HK": {Name: "Ping An Insurance", Price: &price}, "0941.HK": {Name: "China Mobile"},
	})
	snapshot, err := reference.Decode("20261123T021500Z-3f2a91c4", body)
	if err != nil {
		t.Fatal(err)
	}
	return &world{snapshot: snapshot, data: map[string]phoenix.Put{}, index: map[string]int64{}}
}

func (w *world) Current(context.Context) (reference.View, error) {
	return reference.View{Snapshot: w.snapshot, Age: time.Minute, Stale: w.stale}, w.snapshotErr
}

func (w *world) Layout(context.Context) (*phoenix.Layout, error) {
	return &phoenix.Layout{Table: "T", Index: "I", SaltBuckets: 16, IndexSaltBuckets: 16, Uncovered: true}, w.layoutErr
}

func (w *world) WriteRows(ctx context.Context, _, _ string, batch *phoenix.Batch) error {
	hbase.EnterPhase(ctx, hbase.DataRows)
	w.calls = append(w.calls, "rows")
	if w.rowsErr != nil {
		return w.rowsErr
	}
	hbase.EnterPhase(ctx, hbase.IndexRows)
	rejected := &feed.RejectedError{Sink: "HBase at z:1"}
	for i := range batch.Len() {
		row := batch.Row(i)
		if why := refused(w.refuseRow, &row); why != "" {
			rejected.Rejections = append(rejected.Rejections, feed.SinkRejection{Index: i, Reason: why})
			continue
		}
		if old, ok := w.data[string(row.Data.Key)]; !ok || row.Data.Timestamp >= old.Timestamp {
			w.data[string(row.Data.Key)] = row.Data
		}
		w.index[string(row.Index.Key)] = max(w.index[string(row.Index.Key)], row.Index.Timestamp)
	}
	return orNil(rejected)
}

func refused[T any](refuse func(*T) string, what *T) string {
	if refuse == nil {
		return ""
	}
	return refuse(what)
}

func orNil(rejected *feed.RejectedError) error {
	if len(rejected.Rejections) == 0 {
		return nil
	}
	return rejected
}

func (w *world) Prepare(_ context.Context, messages []kafka.Message) func(context.Context) error {
	return func(context.Context) error { return w.produce(messages) }
}

func (w *world) produce(messages []kafka.Message) error {
	w.calls = append(w.calls, "topics")
	if w.topicsErr != nil {
		return w.topicsErr
	}
	rejected := &feed.RejectedError{Sink: "Kafka at k:1"}
	for i := range messages {
		m := messages[i].Whole()
		if why := refused(w.refuseMessage, &m); why != "" {
			rejected.Rejections = append(rejected.Rejections, feed.SinkRejection{Index: i, Reason: why})
			continue
		}
		w.produced = append(w.produced, m)
	}
	return orNil(rejected)
}

// aside are the quarantined records by the offset of their origin, of which each has one.
func (w *world) aside(t testing.TB) map[int64]kafka.Quarantined {
	t.Helper()
	found := map[int64]kafka.Quarantined{}
	for i := range w.produced {
		if w.produced[i].Topic != "bad" {
			continue
		}
		q, err := kafka.ParseQuarantine(&w.produced[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := found[q.Delivery.Origin.Offset]; twice {
			t.Errorf("%s is set aside twice", q.Delivery.Origin)
		}
		found[q.Delivery.Origin.Offset] = q
	}
	return found
}

// records are the offsets of the origins of the output records, in order.
func (w *world) records(t testing.TB) (offsets []int64) {
	t.Helper()
	for i := range w.produced {
		if w.produced[i].Topic != "out" {
			continue
		}
		r, err := kafka.ParseRecord(&w.produced[i])
		if err != nil {
			t.Fatal(err)
		}
		offsets = append(offsets, r.Origin.Offset)
	}
	return offsets
}

func (w *world) enricher() *Enricher {
	return &Enricher{
		Snapshots: w, Layouts: w, Rows: w, Topics: w, OutputTopic: "out", QuarantineTopic: "bad",
		Now: func() time.Time { return now }, Logger: testkit.Quiet(),
	}
}

type input struct{ key, value any }

func push(t testing.TB, firstOffset int, inputs ...input) []byte {
	t.Helper()
	var events []any
	for i, in := range inputs {
		events = append(events, map[string]any{"specversion": "1.0", "data": map[string]any{
			"topic": "feed-updates", "partition": 3, "offset": firstOffset + i, "timestamp": 1605760851123,
			"key": in.key, "value": in.value,
		}})
	}
	body, err := json.Marshal(events)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestPushGivesEveryElementItsVerdict(t *testing.T) {
	w := newWorld(t)
	const ms = 1605760851123
	future := now.Add(6 * time.Minute).UnixMilli()
	body := push(t, 0,
		input{"192.168.2.17", "2318.HK,1605760851123"},
		input{"192.168.2.17", map[string]any{"stockCode": "0941.HK", "timestamp": ms}},
		input{"192.168.2.18", "9999.HK,1605760851123"},
		input{nil, "2318.HK,1605760851123"},
		input{"a|b", "2318.HK,1605760851123"},
		input{"s", nil},
		input{"s", "2318.HK"},
		input{"s", "23 18,1605760851123"},
		input{"s", "2318.HK,yesterday"},
		input{"s", fmt.Sprintf("2318.HK,%d", future)},
		input{7, "2318.HK,1605760851123"},
	)
	answer, err := w.enricher().Push(t.Context(), body)
	if err != nil {
		t.Fatal(err)
	}
	var got Summary
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	want := Summary{Enriched: 2, Unmatched: 1, Quarantined: 8, Rows: 3,
		ReferenceVersion: "20261123T021500Z-3f2a91c4", ReferenceAge: 60}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	reasons := map[feed.Reason]string{}
	for i := range w.produced {
		if w.produced[i].Topic != "bad" {
			continue
		}
		q, err := kafka.ParseQuarantine(&w.produced[i])
		if err != nil {
			t.Fatal(err)
		}
		reasons[q.Rejection.Reason] = string(w.produced[i].Value)
	}
	wantReasons := map[feed.Reason]string{
		feed.MissingKey: "2318.HK,1605760851123", feed.InvalidKey: "2318.HK,1605760851123", feed.MissingValue: "",
		feed.MalformedValue: "2318.HK", feed.InvalidStockCode: "23 18,1605760851123",
		feed.InvalidTimestamp: "2318.HK,yesterday", feed.FutureTimestamp: fmt.Sprintf("2318.HK,%d", future),
	}
	undecodable := reasons[feed.UndecodableEvent]
	delete(reasons, feed.UndecodableEvent)
	if diff := cmp.Diff(wantReasons, reasons); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(undecodable, `"offset":10`) {
		t.Errorf("the undecodable event is set aside as %q", undecodable)
	}
}

func TestPushStopsAtTheFirstFailureAndConvergesWhenRepeated(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name  string
		fail  func(*world, error)
		calls []string
	}{
		{"no snapshot", func(w *world, err error) { w.snapshotErr = err }, nil},
		{"no layout", func(w *world, err error) { w.layoutErr = err }, nil},
		{"HBase", func(w *world, err error) { w.rowsErr = err }, []string{"rows"}},
		{"Kafka", func(w *world, err error) { w.topicsErr = err }, []string{"rows", "topics"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			body := push(t, 0, input{"s", "2318.HK,1605760851123"}, input{"s", "bad"})
			test.fail(w, broken)
			if _, err := w.enricher().Push(t.Context(), body); !errors.Is(err, broken) {
				t.Fatalf("error = %v", err)
			}
			if diff := cmp.Diff(test.calls, w.calls); diff != "" {
				t.Error(diff)
			}
			if len(w.produced) != 0 {
				t.Errorf("%d messages were produced by a failed push", len(w.produced))
			}
			test.fail(w, nil)
			if _, err := w.enricher().Push(t.Context(), body); err != nil {
				t.Fatal(err)
			}
			if len(w.produced) != 2 || len(w.data) != 1 || len(w.index) != 1 {
				t.Errorf("after the repetition: %d messages, %d rows, %d index rows", len(w.produced), len(w.data), len(w.index))
			}
		})
	}
}

func TestPushRefusesABodyWithoutCoordinates(t *testing.T) {
	for _, body := range []string{"", "null", "{}", `[{"data":{"topic":"t","partition":0}}]`, `[1]`} {
		w := newWorld(t)
		if _, err := w.enricher().Push(t.Context(), []byte(body)); err == nil {
			t.Errorf("%q was accepted", body)
		}
		if w.calls != nil {
			t.Errorf("%q: sinks were called: %q", body, w.calls)
		}
	}
}

// TestNewestEventWins pushes the same events in any order, split and repeated at will: the table ends
// in the same state, in which each row is the event with the highest event time.
func TestNewestEventWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type event struct {
			sender, code string
			ms           int64
		}
		events := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) event {
			return event{
				rapid.SampledFrom([]string{"s1", "s2"}).Draw(t, "sender"),
				rapid.SampledFrom([]string{"2318.HK", "9999.HK"}).Draw(t, "code"),
				1605760851000 + rapid.Int64Range(0, 50).Draw(t, "ms"),
			}
		}), 1, 30, func(e event) event { return e }).Draw(t, "events")
		want := map[string]int64{}
		for _, e := range events {
			key := e.sender + "|" + e.code
			want[key] = max(want[key], e.ms)
		}

		w := newWorld(nopTB{})
		e := w.enricher()
		order := append(rapid.Permutation(events).Draw(t, "order"), rapid.Permutation(events).Draw(t, "repetition")...)
		for len(order) > 0 {
			n := rapid.IntRange(1, len(order)).Draw(t, "batch")
			var inputs []input
			for _, ev := range order[:n] {
				inputs = append(inputs, input{ev.sender, fmt.Sprintf("%s,%d", ev.code, ev.ms)})
			}
			if _, err := e.Push(context.Background(), push(nopTB{}, 0, inputs...)); err != nil {
				t.Fatal(err)
			}
			order = order[n:]
		}
		got := map[string]int64{}
		for key, put := range w.data {
			got[key[1:]] = put.Timestamp // without the salt byte
		}
		if !maps.Equal(want, got) {
			t.Errorf("rows = %v, want %v", got, want)
		}
		if len(w.index) != len(w.data) {
			t.Errorf("%d index rows for %d rows", len(w.index), len(w.data))
		}
	})
}

// nopTB lets helpers that need a testing.TB run inside a property.
type nopTB struct{ testing.TB }

func (nopTB) Helper()           {}
func (nopTB) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func TestConfigNamesEveryMissingVariable(t *testing.T) {
	err := config.Load(&Config{}, nil)
	for _, name := range []string{"KAFKA_BROKERS", "HBASE_ZOOKEEPER", "OSS_ENDPOINT", "OSS_REGION"} {
		testkit.WantError(t, err, name+" is missing")
	}
}

// The tags of a config struct cannot name a constant.
func TestDefaultTopicsAreThoseOfTheFeed(t *testing.T) {
	var cfg Config
	err := config.Load(&cfg, []string{"KAFKA_BROKERS=a:1", "HBASE_ZOOKEEPER=a:1", "OSS_ENDPOINT=a", "OSS_REGION=b"})
	if want := feed.DefaultTopics(); err != nil || cfg.Topics != (Topics{want.Output, want.Quarantine}) {
		t.Errorf("topics = %+v, %v, want those of %+v", cfg.Topics, err, want)
	}
}

func BenchmarkPush(b *testing.B) {
	const batch = 1000
	var inputs []input
	for i := range batch {
		inputs = append(inputs, input{fmt.Sprintf("192.168.2.%d", i%256), fmt.Sprintf("2318.HK,%d", 1605760851123+i)})
	}
	body := push(b, 0, inputs...)
	w := newWorld(b)
	e := w.enricher()
	b.ReportAllocs()
	for b.Loop() {
		w.produced = w.produced[:0]
		if _, err := e.Push(b.Context(), body); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/record")
}
