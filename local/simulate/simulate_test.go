package simulate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/services/kafka"
	"feedstream/shared/feed"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func fixed() time.Time { return noon }

func startKafka(t testing.TB) *kafka.Server {
	t.Helper()
	s, err := kafka.Start(kafka.Options{Addr: "127.0.0.1:0", Dir: t.TempDir(),
		Topics: []kafka.Topic{{Name: "feed-updates", Partitions: 4}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func consume(t *testing.T, s *kafka.Server, n int) []*kgo.Record {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(s.Addr()), kgo.ConsumeTopics("feed-updates"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var records []*kgo.Record
	for len(records) < n {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d of %d records: %v", len(records), n, err)
		}
		records = append(records, fetches.Records()...)
	}
	return records
}

// verdict judges a record as the functions do; the trigger hands over text, with U+FFFD for what is
// not UTF-8.
func verdict(r *kgo.Record) string {
	d := feed.Delivery{Key: strings.ToValidUTF8(string(r.Key), "\uFFFD"), Value: string(r.Value), Form: feed.Text}
	u, rejection := d.Update(noon)
	switch {
	case rejection != nil:
		return string(rejection.Reason)
	case slices.Contains(Unknown, u.StockCode):
		return "unknown"
	}
	return "good"
}

func TestRunPublishesWhatItCounts(t *testing.T) {
	s := startKafka(t)
	const records = 5000
	var last int
	counts, err := Run(t.Context(), Config{Brokers: []string{s.Addr()}, Topic: "feed-updates", Records: records, Seed: 7,
		BadRatio: 0.05, UnknownRatio: 0.1, Now: fixed, Progress: func(n int) {
			if n < last {
				t.Errorf("progress falls from %d to %d", last, n)
			}
			last = n
		}})
	if err != nil {
		t.Fatal(err)
	}
	if last != records || counts.Published != records {
		t.Errorf("published %d, progress %d, want %d", counts.Published, last, records)
	}
	want := map[string]int{"unknown": counts.Unknown, "good": records - counts.Unknown}
	bad := 0
	for reason, n := range counts.Bad {
		want[string(reason)] = n
		bad += n
	}
	want["good"] -= bad
	got := map[string]int{}
	for _, r := range consume(t, s, records) {
		got[verdict(r)]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if bad < records/40 || bad > records/10 {
		t.Errorf("%d of %d records are bad at a ratio of 0.05", bad, records)
	}
	for _, reason := range []feed.Reason{feed.MissingKey, feed.InvalidKey, feed.MissingValue, feed.MalformedValue,
		feed.InvalidStockCode, feed.InvalidTimestamp, feed.FutureTimestamp} {
		if counts.Bad[reason] == 0 {
			t.Errorf("no record is bad by %s", reason)
		}
	}
}

// A value of any size is as good as the article's, and at least as long as it was asked for.
func TestValuesOfAnySize(t *testing.T) {
	for _, size := range []int{1, 60, 1000, 100_000} {
		s := newGenerator(Config{ValueBytes: size, Now: fixed}).next()
		if got := verdict(s.record); got != "good" || len(s.record.Value) < size || len(s.record.Value) > max(size, 80) {
			t.Errorf("asked for %d bytes: %d, judged %s", size, len(s.record.Value), got)
		}
	}
}

func TestEveryFlawHasItsReason(t *testing.T) {
	for i, f := range flaws {
		key, value := f.spoil("192.168.2.17", "2318.HK", noon)
		if got := verdict(&kgo.Record{Key: key, Value: value}); got != string(f.reason) {
			t.Errorf("flaw %d (key %q, value %q) is judged %s, want %s", i, key, value, got, f.reason)
		}
	}
}

func TestGeneratorIsDeterministicAndComplete(t *testing.T) {
	cfg := Config{Seed: 42, BadRatio: 0.1, UnknownRatio: 0.1, Now: fixed}
	a, b := newGenerator(cfg), newGenerator(cfg)
	for i := range 1000 {
		x, y := a.next(), b.next()
		if string(x.record.Key) != string(y.record.Key) || string(x.record.Value) != string(y.record.Value) {
			t.Fatalf("record %d differs between two runs of one seed", i)
		}
	}
	g := newGenerator(Config{Now: fixed})
	senders, codes := map[string]bool{}, map[string]bool{}
	for range 20_000 {
		s := g.next()
		code, _, _ := strings.Cut(string(s.record.Value), ",")
		senders[string(s.record.Key)], codes[code] = true, true
	}
	if len(senders) != 256 || !senders["192.168.2.0"] || !senders["192.168.2.255"] {
		t.Errorf("%d senders, want 192.168.2.0 to .255", len(senders))
	}
	if len(codes) != 30 || !codes["0883.HK"] {
		t.Errorf("%d codes, want 30 with the last", len(codes))
	}
}

func TestRateIsKept(t *testing.T) {
	s := startKafka(t)
	began := time.Now()
	_, err := Run(t.Context(), Config{Brokers: []string{s.Addr()}, Topic: "feed-updates", Records: 2200, Rate: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("2,200 records at 10,000/s took %s", took)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	s := startKafka(t)
	ctx, cancel := context.WithCancel(t.Context())
	counts, err := Run(ctx, Config{Brokers: []string{s.Addr()}, Topic: "feed-updates", Rate: 5000, Progress: func(n int) {
		if n > 0 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(consume(t, s, counts.Published)); got != counts.Published {
		t.Errorf("counted %d, the topic holds %d", counts.Published, got)
	}
}

func TestRunReportsRefusal(t *testing.T) {
	s := startKafka(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := Run(ctx, Config{Brokers: []string{s.Addr()}, Topic: "misspelt", Records: 10})
	if err == nil || !strings.Contains(err.Error(), "topic misspelt") {
		t.Errorf("error = %v, want one that names the topic", err)
	}
}

func TestValidateNamesEveryFlag(t *testing.T) {
	err := Config{Records: -1, Rate: -1, Senders: 257, BadRatio: 0.9, UnknownRatio: 0.2, Codes: []string{"2318 HK"}}.Validate()
	for _, want := range []string{"--records -1", "--rate -1", "--senders 257", "--bad-ratio 0.9", `"2318 HK"`} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func BenchmarkRun(b *testing.B) {
	s := startKafka(b)
	b.ReportAllocs()
	counts, err := Run(b.Context(), Config{Brokers: []string{s.Addr()}, Topic: "feed-updates", Records: b.N})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(counts.Published)/b.Elapsed().Seconds(), "records/s")
}
