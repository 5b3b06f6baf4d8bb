package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/services/kafka"
	"feedstream/shared/feed"
	feedkafka "feedstream/shared/kafka"
)

// whenBalanced is the report on the balanced world.
func whenBalanced() Report {
	return Report{
		Balanced: true, Published: 15, Enriched: 11, Unmatched: 1, Quarantined: 1,
		QuarantinedByReason: map[feed.Reason]int{feed.MalformedValue: 1},
		DeadLettered:        1, Pending: 1, Duplicates: Duplicates{Output: 1},
		Table: &TableReport{Rows: 11}, Index: &IndexReport{Rows: 11},
	}
}

func run(t *testing.T, s *kafka.Server, table Table, from, to string) Report {
	t.Helper()
	lower, err := ParseBound(from)
	if err != nil {
		t.Fatal(err)
	}
	upper, err := ParseBound(to)
	if err != nil {
		t.Fatal(err)
	}
	report, err := Run(testContext(t), Config{Kafka: Kafka{Brokers: []string{s.Addr()}}, Topics: topics, Group: group,
		From: lower, To: upper, Table: table})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func diff(want, got Report) string {
	return cmp.Diff(want, got, cmpopts.IgnoreFields(Report{}, "Faults", "OldestPending"), cmpopts.EquateEmpty())
}

// TestAudit spoils the balanced world in one place at a time: the audit must find that, and nothing else.
func TestAudit(t *testing.T) {
	for _, test := range []struct {
		name    string
		spoil   func(w *world)
		expect  func(r *Report)
		problem string // in one of the problems
	}{
		{name: "nothing", spoil: func(*world) {}, expect: func(*Report) {}},

		{"output records lost", func(w *world) { w.out = append(w.out[:1:1], w.out[3:]...) }, func(r *Report) {
			// 0:1 and 0:2; their rows are there
			r.Balanced, r.Enriched, r.Missing = false, 9, 2
			r.Gaps = []Gap{{Partition: 0, From: 1, To: 2, Records: 2}}
			r.Table.Strays = 2
		}, "row a1|2318.HK holds feed-updates/0/1, and no output record"},
		{"quarantine record lost", func(w *world) { w.drop(topics.Quarantine) }, func(r *Report) {
			r.Balanced, r.Quarantined, r.Missing = false, 0, 1
			r.QuarantinedByReason = nil
			r.Gaps = []Gap{{Partition: 0, From: 7, To: 7, Records: 1}}
		}, ""},
		{"dead letter lost", func(w *world) { w.drop(topics.DeadLetter) }, func(r *Report) {
			r.Balanced, r.DeadLettered, r.Missing = false, 0, 1
			r.Gaps = []Gap{{Partition: 0, From: 8, To: 8, Records: 1}}
		}, ""},
		{"committed too far", func(w *world) { w.commits[0] = 10 }, func(r *Report) {
			r.Balanced, r.Pending, r.Missing = false, 0, 1
			r.Gaps = []Gap{{Partition: 0, From: 9, To: 9, Records: 1}}
		}, ""},
		{"never committed", func(w *world) { w.commits = nil; w.drop(topics.DeadLetter) }, func(r *Report) {
			r.DeadLettered, r.Pending = 0, 2
		}, ""},

		{"weaker beside stronger", func(w *world) {
			w.quarantine(0, 1, feed.SinkRejected)
			w.deadLetter("[" + deadLetter(0, 1) + "," + deadLetter(0, 7) + "]")
		}, func(r *Report) { r.Overtaken = 2 }, ""},
		{"redriven", func(w *world) {
			takesPlaceOf := func(partition int, offset int64, id string) {
				w.inputs[partition][offset].Headers = []kgo.RecordHeader{{Key: feed.HeaderRedrivenFrom, Value: []byte(id)}}
			}
			takesPlaceOf(1, 0, "feed-updates/0/7")
			takesPlaceOf(1, 1, "feed-updates/0/8")
			takesPlaceOf(1, 2, "feed-updates/0/1")  // which was enriched
			takesPlaceOf(1, 3, "feed-updates/0/99") // which is not there, as a header alone is no evidence
			takesPlaceOf(1, 4, "nonsense")
		}, func(r *Report) { r.Redriven = 2 }, ""},
		{"repeated", func(w *world) {
			w.quarantine(0, 7, feed.MalformedValue)
			w.deadLetter(deadLetter(0, 8))
		}, func(r *Report) { r.Duplicates.Quarantine, r.Duplicates.DeadLetter = 1, 1 }, ""},

		{"duplicate of another event", func(w *world) {
			r := w.record(0, 1, nil, "v1")
			r.Time--
			w.out = append(w.out, feedkafka.RecordMessage(topics.Output, &r))
		}, func(r *Report) { r.Balanced, r.Conflicts, r.Duplicates.Output = false, 1, 2 }, "of feed-updates/0/1 tells of another event"},
		{"output record of another event", func(w *world) { w.inputs[0][3] = event("a3", "2318.HK", 33) }, func(r *Report) {
			// the world was made before: record and row tell of ms 3
			r.Balanced, r.Altered = false, 1
		}, "feed-updates/0/3: its output record tells of another event"},
		{"values as people write them", func(w *world) {
			at := noon.UnixMilli()
			w.inputs[0][1].Value = fmt.Appendf(nil, `"2318.HK,%d"`, at+1)
			w.inputs[0][2].Value = fmt.Appendf(nil, `"{\"stockCode\":\"2318.HK\",\"timestamp\":%d}"`, at+2)
			w.inputs[0][3].Value = fmt.Appendf(nil, "\n{\"stockCode\":\"2318.HK\",\"timestamp\":%d}", at+3)
			w.inputs[0][4].Value = fmt.Appendf(nil, ` {"timestamp":"%d", "stockCode":"2318.HK"} `, at+4)
		}, func(*Report) {}, ""},
		{"output record of a number", func(w *world) { w.inputs[0][3].Value = []byte("12") }, func(r *Report) {
			r.Balanced, r.Altered = false, 1
		}, "feed-updates/0/3"},
		{"output record of a bad one", func(w *world) { w.inputs[0][3].Value = nil }, func(r *Report) {
			r.Balanced, r.Altered = false, 1
		}, "feed-updates/0/3"},

		{"beyond the end", func(w *world) { w.quarantine(1, 5, feed.MissingKey) }, func(r *Report) {
			r.Balanced, r.Strays = false, 1
		}, "feed-updates/1/5, which does not exist"},
		{"of no partition", func(w *world) { w.deadLetter(deadLetter(7, 0)) }, func(r *Report) {
			r.Balanced, r.Strays = false, 1
		}, "feed-updates/7/0"},
		{"of another topic", func(w *world) { w.deadLetter(strings.ReplaceAll(deadLetter(0, 0), topics.Input, "other")) }, func(r *Report) {
			r.Balanced, r.Strays = false, 1
		}, "other/0/0, which is no record of topic feed-updates"},
		{"samples of invoke", func(w *world) {
			for i := range int64(2) { // one row, for a sample is always of the same sender and stock
				u := feed.Update{Sender: "192.0.2.1", StockCode: "SAMPLE", Time: noon.UnixMilli() + i}
				r := feed.Join(u, feed.Origin{Topic: feed.SampleTopic, Offset: u.Time}, nil, "v1")
				w.out = append(w.out, feedkafka.RecordMessage(topics.Output, &r))
				w.putRow(r)
			}
		}, func(r *Report) { r.Samples, r.Table.Rows, r.Index.Rows = 2, 12, 12 }, ""},
		{"sample without its index row", func(w *world) {
			u := feed.Update{Sender: "192.0.2.1", StockCode: "SAMPLE", Time: noon.UnixMilli()}
			w.putRow(feed.Join(u, feed.Origin{Topic: feed.SampleTopic}, nil, "v1"))
			w.index = w.index[:11]
		}, func(r *Report) { r.Balanced, r.Table.Rows, r.Index.Missing = false, 12, 1 }, "row 192.0.2.1|SAMPLE"},
		{"unreadable", func(w *world) {
			w.deadLetter("nonsense")
			for _, topic := range []string{topics.Output, topics.Quarantine} {
				w.out = append(w.out, feedkafka.Message{Topic: topic, Key: []byte("k"), Value: []byte("{}")})
			}
		}, func(r *Report) { r.Balanced, r.Unreadable = false, 3 }, "header feed-"},

		{"row lost", func(w *world) { w.rows = w.rows[1:]; w.index = w.index[1:] }, func(r *Report) {
			r.Balanced = false
			r.Table.Rows, r.Table.Missing, r.Index.Rows = 10, 1, 10
		}, "row a0|2318.HK is missing"},
		{"row of an older event", func(w *world) { w.putRow(w.record(1, 3, nil, "v1")) }, func(r *Report) {
			r.Balanced, r.Table.Wrong = false, 1
		}, "row b3|0001.HK holds feed-updates/1/3 at 2026-11-23T12:00:00.003Z, which is none of its newest output records, at 2026-11-23T12:00:00.004Z"},
		{"row with other values", func(w *world) { w.rows[2].Record.StockName = "other" }, func(r *Report) {
			r.Balanced, r.Table.Wrong = false, 1
		}, "row a2|2318.HK"},
		{"row of the first of two pushes", func(w *world) {
			w.rows[0].Record = w.record(0, 0, &feed.Entry{Name: "Ping An", Price: price(782_500)}, "v1")
		},
			func(*Report) {}, ""},
		{"cells of another time", func(w *world) { w.rows[2].CellTime++; w.index[2].CellTime++ }, func(r *Report) {
			r.Balanced, r.Table.Wrong = false, 1
		}, "row a2|2318.HK: the cells carry"},
		{"row without output record", func(w *world) { w.putRow(w.strange()) }, func(r *Report) {
			r.Balanced = false
			r.Table.Rows, r.Table.Strays, r.Index.Rows = 12, 1, 12
		}, "row stranger|2318.HK holds feed-updates/0/1"},
		{"unreadable row", func(w *world) { w.rows = append(w.rows, Row{Problem: "no salt"}) }, func(r *Report) {
			r.Balanced = false
			r.Table.Rows, r.Table.Wrong = 12, 1
		}, "no salt"},
		{"row of a push under way", func(w *world) { w.putRow(w.record(0, 9, nil, "v1")); w.index = w.index[:11] }, func(r *Report) {
			r.Table.Rows, r.Table.Ahead = 12, 1
		}, ""},
		{"row of a push given up", func(w *world) { w.putRow(w.record(0, 8, nil, "v1")) }, func(r *Report) {
			r.Table.Rows, r.Table.Ahead, r.Index.Rows = 12, 1, 12
		}, ""},
		{"row of a record whose output record was rejected", func(w *world) {
			w.inputs[0][7].Value = event("a7", "2318.HK", 7).Value
			w.out = slices.DeleteFunc(w.out, func(m feedkafka.Message) bool { return m.Topic == topics.Quarantine })
			w.quarantine(0, 7, feed.SinkRejected)
			w.putRow(w.record(0, 7, nil, "v1"))
		}, func(r *Report) {
			r.QuarantinedByReason = map[feed.Reason]int{feed.SinkRejected: 1}
			r.Table.Rows, r.Table.Ahead, r.Index.Rows = 12, 1, 12
		}, ""},
		{"index row lost", func(w *world) { w.index = w.index[1:] }, func(r *Report) {
			r.Balanced = false
			r.Index.Rows, r.Index.Missing = 10, 1
		}, "row a0|2318.HK: its index row must have 2026-11-23T12:00:00.000Z, there is none"},
		{"index row a millisecond off", func(w *world) { w.index[4].CellTime-- }, func(r *Report) {
			r.Balanced, r.Index.Missing = false, 1
		}, "row a4|2318.HK: its index row must have 2026-11-23T12:00:00.004Z, it has 2026-11-23T12:00:00.003Z"},
		{"index row without row", func(w *world) { w.index = append(w.index, IndexRow{"2318.HK", "gone|2318.HK", 5, ""}) }, func(r *Report) {
			r.Balanced = false
			r.Index.Rows, r.Index.Strays = 12, 1
		}, "the index has row gone|2318.HK"},
		{"unreadable index row", func(w *world) { w.index = append(w.index, IndexRow{Problem: "short key"}) }, func(r *Report) {
			r.Balanced = false
			r.Index.Rows, r.Index.Strays = 12, 1
		}, "short key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, want := balancedWorld(), whenBalanced()
			test.spoil(w)
			test.expect(&want)
			s := startKafka(t)
			w.write(t, s)
			got := run(t, s, w, "", "")
			if d := diff(want, got); d != "" {
				t.Error(d)
			}
			if sum := got.Enriched + got.Unmatched + got.Quarantined + got.DeadLettered + got.Pending + got.Missing; sum != got.Published {
				t.Errorf("the verdicts sum up to %d of %d", sum, got.Published)
			}
			if text := rendered(&got); got.Balanced != (len(got.Faults) == 0) || !strings.Contains(text, test.problem) {
				t.Errorf("faults = %+v, want %q in\n%s", got.Faults, test.problem, text)
			}
		})
	}
}

func rendered(r *Report) string {
	var people bytes.Buffer
	r.Render(&people)
	return people.String()
}

func price(p feed.Price) *feed.Price { return &p }

// drop removes the messages of a topic.
func (w *world) drop(topic string) {
	var kept []feedkafka.Message
	for _, m := range w.out {
		if m.Topic != topic {
			kept = append(kept, m)
		}
	}
	w.out = kept
}

// strange is a record of a key that no other has.
func (w *world) strange() feed.Record {
	r := w.record(0, 1, nil, "v1")
	r.Sender = "stranger"
	return r
}

func TestBounds(t *testing.T) {
	w := balancedWorld()
	w.commits[0] = 10 // 0:9 is missing
	s := startKafka(t)
	w.write(t, s)
	for _, test := range []struct {
		from, to           string
		published, missing int
	}{
		{"", "", 15, 1},
		{"0:9", "", 1, 1},
		{"0:2", "0:9", 7, 0},
		{"", "1:3", 3, 0},
		{"1:99", "", 0, 0},
		{"2026-11-23T12:00:00.004Z", "", 7, 1},
		{"", "2026-11-23T12:00:00.004Z", 8, 0},
		{"2026-11-23T20:00:00.003+08:00", "2026-11-23T12:00:00.005Z", 4, 0},
		{"2027-01-01T00:00:00Z", "", 0, 0},
	} {
		r := run(t, s, nil, test.from, test.to)
		if r.Published != test.published || r.Missing != test.missing || r.Balanced != (test.missing == 0) {
			t.Errorf("from %q to %q: published %d, missing %d, balanced %v, want %d, %d", test.from, test.to,
				r.Published, r.Missing, r.Balanced, test.published, test.missing)
		}
	}
	for _, bad := range []string{"yesterday", "1", ":", "-1:0", "0:-1", "0:1:2"} {
		if _, err := ParseBound(bad); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("bound %q: error = %v", bad, err)
		}
	}
	for _, bad := range [][2]string{{"0:1", "1:2"}, {"9:1", ""}} {
		from, _ := ParseBound(bad[0])
		to, _ := ParseBound(bad[1])
		_, err := Run(testContext(t), Config{Kafka: Kafka{Brokers: []string{s.Addr()}}, Topics: topics, Group: group, From: from, To: to})
		if err == nil {
			t.Errorf("bounds %q: no error", bad)
		}
	}
}

// TestHoles: the marks of transactions take offsets that no record has, at the end of the log as well. The
// records of an aborted transaction are delivered like others.
func TestHoles(t *testing.T) {
	s := startKafka(t)
	ctx := testContext(t)
	c, err := kgo.NewClient(kgo.SeedBrokers(s.Addr()), kgo.TransactionalID("t"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w := &world{}
	hole := &kgo.Record{}
	// offsets 0 and 1, a mark at 2, 3 and 4, a mark at 5, 6 and 7, a mark at 8
	for _, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit} {
		if err := c.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			r := event("a", "2318.HK", int64(len(w.inputs[0])))
			w.inputs[0] = append(w.inputs[0], r)
			r.Topic = topics.Input
			if err := c.ProduceSync(ctx, r).FirstErr(); err != nil {
				t.Fatal(err)
			}
			if r.Offset != int64(len(w.inputs[0])-1) {
				t.Fatalf("record %d has offset %d", len(w.inputs[0])-1, r.Offset)
			}
		}
		if err := c.EndTransaction(ctx, end); err != nil {
			t.Fatal(err)
		}
		w.inputs[0] = append(w.inputs[0], hole)
	}
	expect := func(what string, committed int64, counts Counts, pending, missing int) {
		t.Helper()
		commit(t, s, map[int32]int64{0: committed})
		r := run(t, s, w, "", "")
		if r.Published != 6 || r.Unmatched != counts.Unmatched || r.Pending != pending || r.Missing != missing ||
			r.Balanced != (missing == 0) {
			t.Errorf("%s: report = %+v", what, r)
		}
	}
	expect("nothing is done", 0, Counts{}, 6, 0)
	for offset, r := range w.inputs[0] {
		if r != hole && offset != 4 {
			w.enrich(0, int64(offset), nil, "v1")
		}
	}
	produce(t, s, w.out...)
	expect("one record of the aborted transaction is pending", 4, Counts{Unmatched: 5}, 1, 0)
	expect("it is lost", 9, Counts{Unmatched: 5}, 0, 1)
	expect("it is lost, and the commit stands at the mark", 8, Counts{Unmatched: 5}, 0, 1)
	last := len(w.out)
	w.enrich(0, 4, nil, "v1")
	w.putRow(w.record(0, 7, nil, "v1"))
	produce(t, s, w.out[last:]...)
	expect("all is done", 9, Counts{Unmatched: 6}, 0, 0)
	stray := &world{}
	stray.quarantine(0, 2, feed.MissingKey)
	produce(t, s, stray.out...)
	if r := run(t, s, w, "", ""); r.Balanced || r.Strays != 1 {
		t.Errorf("evidence of a mark: report = %+v", r)
	}
}

func TestRunNamesWhatIsMissing(t *testing.T) {
	s := startKafka(t)
	cfg := Config{Kafka: Kafka{Brokers: []string{s.Addr()}}, Topics: topics, Group: group}
	cfg.Topics.Quarantine = "misspelt"
	if _, err := Run(testContext(t), cfg); err == nil || !strings.Contains(err.Error(), "misspelt") {
		t.Errorf("error = %v, want one that names the topic", err)
	}
}

func TestReportForMachinesAndPeople(t *testing.T) {
	w := balancedWorld()
	w.commits[0] = 10
	s := startKafka(t)
	w.write(t, s)
	r := run(t, s, w, "", "")
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if d := diff(r, back); d != "" {
		t.Error(d)
	}
	people := rendered(&r)
	for _, want := range []string{
		"published", "15", "malformed-value", "✗ missing: 1.", "feed-updates/0/9", "what to do", "NOT balanced",
	} {
		if !strings.Contains(people, want) {
			t.Errorf("%q is not in\n%s", want, people)
		}
	}
}

func TestVerdicts(t *testing.T) {
	s := startKafka(t)
	ctx, stop := context.WithCancel(testContext(t))
	follow := func(ctx context.Context) (v *Verdicts, done chan error) {
		v, done = NewVerdicts(Kafka{Brokers: []string{s.Addr()}}, topics, discard), make(chan error, 1)
		go func() { done <- v.Run(ctx) }()
		return v, done
	}
	v, done := follow(ctx)
	waited := make(chan error, 1)
	go func() { waited <- v.Wait(ctx, 14) }()
	w := balancedWorld()
	w.quarantine(0, 1, feed.SinkRejected) // overtaken
	w.deadLetter(deadLetter(0, 1))
	w.deadLetter("nonsense")
	w.write(t, s)
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
	want := Counts{Enriched: 11, Unmatched: 1, Quarantined: 1, DeadLettered: 1}
	late, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := v.Wait(late, 15); err == nil || !strings.Contains(err.Error(), "14 are there") {
		t.Errorf("wait for one more: error = %v", err)
	}
	if got := v.Counts(); got != want {
		t.Errorf("counts = %+v, want %+v", got, want)
	}
	again, _ := follow(ctx)
	if err := again.Wait(ctx, 14); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestVerdictsMoveToStrongerEvidence(t *testing.T) {
	v := NewVerdicts(Kafka{}, topics, discard)
	w := balancedWorld()
	record := func(m feedkafka.Message) *kgo.Record {
		r := &kgo.Record{Topic: m.Topic, Value: m.Value}
		for _, h := range m.Headers {
			r.Headers = append(r.Headers, kgo.RecordHeader(h))
		}
		return r
	}
	unmatchedRecord, matchedRecord := w.record(0, 1, nil, "v1"), w.record(0, 1, &feed.Entry{Name: `not "matched":true`}, "v2")
	unmatchedRecord.ReferenceVersion = `"matched":true`
	d, why := feed.Delivery{Origin: origin(0, 1)}, feed.Rejection{Reason: feed.SinkRejected}
	for _, step := range []struct {
		m    feedkafka.Message
		want Counts
	}{
		{feedkafka.Message{Topic: topics.DeadLetter, Value: []byte(deadLetter(0, 1))}, Counts{DeadLettered: 1}},
		{feedkafka.QuarantineMessage(topics.Quarantine, &d, &why, noon), Counts{Quarantined: 1}},
		{feedkafka.RecordMessage(topics.Output, &unmatchedRecord), Counts{Unmatched: 1}},
		{feedkafka.RecordMessage(topics.Output, &matchedRecord), Counts{Enriched: 1}},
		{feedkafka.Message{Topic: topics.DeadLetter, Value: []byte(deadLetter(0, 1))}, Counts{Enriched: 1}},
	} {
		v.add([]*kgo.Record{record(step.m)})
		if got := v.Counts(); got != step.want {
			t.Errorf("after a record of %s: %+v, want %+v", step.m.Topic, got, step.want)
		}
	}
}
