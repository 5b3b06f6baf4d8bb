package repair

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/audit"
	"feedstream/local/services/fault"
	"feedstream/local/services/kafka"
	"feedstream/shared/feed"
	feedkafka "feedstream/shared/kafka"
	"feedstream/shared/testkit"
)

const at = 1605760851123

// What is set aside for any reason is mended, sent once, and counted once.
func TestRedrive(t *testing.T) {
	w := newWorld(t)
	w.publish(update("good", "2318.HK"), bad("", "2318.HK,1605760851123"), bad("s", "2318 HK,1605760851123"),
		bad("s", "2318.HK"), bad("t", " 0005.HK ,1605760851123\r\n"), bad("s", `{"stockCode":"2318.HK","timestamp":"soon"}`))
	w.judge()

	all, err := w.feed.List(w.context(), Quarantine, Filter{})
	must(t, err)
	if len(all) != 5 || all[0].State != Open {
		t.Fatalf("set aside: %+v", all)
	}
	dry := w.redrive(Quarantine, Redrive{DryRun: true})
	if dry.Total != (Tally{Redriven: 5}) || dry.StillBad != 5 || len(w.successors()) != 0 {
		t.Errorf("dry run: %+v", dry)
	}
	for _, step := range []struct {
		r    Redrive
		want Tally
	}{
		{Redrive{Filter: Filter{Reason: feed.MissingKey}, Mend: Mend{Set: []Assignment{{"key", "k"}}}}, Tally{Redriven: 1, Filtered: 4}},
		{Redrive{Filter: Filter{Code: "2318 HK"}, Mend: Mend{Replace: []Replacement{{" HK", ".HK"}}}}, Tally{Redriven: 1, Filtered: 4}},
		{Redrive{Filter: Filter{Sender: "t"}, Mend: Mend{Trim: true}}, Tally{Redriven: 1, Filtered: 4}},
		{Redrive{Max: 1, Mend: Mend{Set: []Assignment{{"timestamp", fmt.Sprint(at)}}}}, Tally{Redriven: 1, Before: 3, Left: 1}},
		{Redrive{Mend: Mend{Set: []Assignment{{"timestamp", fmt.Sprint(at)}}}}, Tally{Redriven: 1, Before: 4}},
		{Redrive{}, Tally{Before: 5}},
	} {
		got := w.redrive(Quarantine, step.r)
		if got.Total != step.want || got.StillBad != 0 {
			t.Errorf("%+v: %+v, still bad %d", step.r, got.Total, got.StillBad)
		}
	}
	w.judge()
	all, err = w.feed.List(w.context(), Quarantine, Filter{})
	must(t, err)
	if len(all) != 5 {
		t.Errorf("set aside: %+v", all)
	}
	values := map[string]bool{}
	for origin, records := range w.successors() {
		if len(records) != 1 || audit.Header(records[0], feed.HeaderRedrives) != "1" {
			t.Errorf("%s has %d successors", origin, len(records))
		}
		values[string(records[0].Key)+" "+string(records[0].Value)] = true
	}
	for _, want := range []string{"k 2318.HK,1605760851123", "s 2318.HK,1605760851123", "t 0005.HK,1605760851123",
		`s {"stockCode":"2318.HK","timestamp":1605760851123}`} {
		if !values[want] {
			t.Errorf("%q is not among %v", want, values)
		}
	}
}

// A record that was set aside again is redriven under its own name, until the guard ends the loop.
func TestRedriveLoopGuard(t *testing.T) {
	w := newWorld(t)
	w.publish(bad("s", "malformed"))
	for n := range DefaultMaxRedrives {
		w.judge()
		if got := w.redrive(Quarantine, Redrive{}); got.Total != (Tally{Redriven: 1, Before: n}) || got.StillBad != 1 {
			t.Fatalf("redrive %d: %+v", n+1, got)
		}
	}
	w.judge()
	got := w.redrive(Quarantine, Redrive{})
	if got.Total.Refused != 1 || !strings.Contains(got.Refusals[0].Why, "redriven 5 times") {
		t.Errorf("the sixth: %+v", got)
	}
	if got := w.redrive(Quarantine, Redrive{MaxRedrives: 6}); got.Total.Redriven != 1 {
		t.Errorf("with a higher limit: %+v", got)
	}
}

// A record that is set aside twice, by a repeated push, is redriven once; one with an output record never.
func TestRedriveSkips(t *testing.T) {
	w := newWorld(t)
	w.publish(bad("s", "twice"), update("s", "2318.HK"))
	w.judge()
	for _, r := range w.input() {
		deliveries, err := delivered(r)
		must(t, err)
		why := feed.Rejection{Reason: feed.SinkRejected}
		w.produce(feedkafka.QuarantineMessage(topics.Quarantine, &deliveries[0], &why, time.Now()))
	}
	if got := w.redrive(Quarantine, Redrive{}); got.Total != (Tally{Redriven: 1, Overtaken: 1}) {
		t.Errorf("%+v", got.Total)
	}
}

// Dead letters in each of their forms are split; those with any stronger evidence are overtaken.
func TestRedriveDeadLetters(t *testing.T) {
	for _, rawData := range []bool{false, true} {
		for _, together := range []bool{false, true} {
			t.Run(fmt.Sprintf("raw data %v, one record a push %v", rawData, together), func(t *testing.T) {
				w := newWorld(t)
				w.publish(update("enriched", "2318.HK"), bad("bad", "x"))
				w.judge()
				w.publish(update("a", "2318.HK"), bad("b", `{"stockCode": "0005.HK", "timestamp": 1605760851123}`))
				w.giveUp(rawData, together, w.input()...)
				got := w.redrive(DeadLetter, Redrive{})
				if got.Total != (Tally{Redriven: 2, Overtaken: 2}) || got.ByReason[PushFailed].Redriven != 2 {
					t.Errorf("%+v", got)
				}
				w.judge()
				if again := w.redrive(DeadLetter, Redrive{}); again.Total.Redriven != 0 {
					t.Errorf("again: %+v", again)
				}
			})
		}
	}
}

// What the platform has damaged, or the quarantine cut, comes from the input topic while that keeps it.
func TestRedriveFetchesTheTrueBytes(t *testing.T) {
	w := newWorld(t)
	const whole = 300_000
	w.publish(bad("s", "2318\xff.HK,1605760851123"), bad("\xfekey", "2318.HK,1605760851123"), bad("s", strings.Repeat("x", whole)))
	w.judge()
	all, err := w.feed.List(w.context(), Quarantine, Filter{})
	must(t, err)
	if !slices.ContainsFunc(all, func(a Aside) bool { return a.Form == feed.Cut && len(a.Value) < whole }) {
		t.Errorf("nothing was cut: %+v", all)
	}
	got := w.redrive(Quarantine, Redrive{Mend: Mend{Replace: []Replacement{{"\xff", ""}, {"\xfe", ""}}}})
	if got.Total != (Tally{Redriven: 3}) {
		t.Fatalf("%+v", got)
	}
	lengths := 0
	for _, records := range w.successors() {
		lengths += len(records[0].Value)
		if text := string(records[0].Key) + string(records[0].Value); !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError) {
			t.Errorf("%q %q", records[0].Key, records[0].Value)
		}
	}
	if want := whole + 2*len("2318.HK,1605760851123"); lengths != want {
		t.Errorf("values of %d bytes, want %d", lengths, want)
	}
}

// More records that must be fetched than go together are fetched in turns, and each is sent once.
func TestRedriveOfManyDamaged(t *testing.T) {
	w := newWorld(t)
	var all []*kgo.Record
	for i := range 2*mostFetched + 1 {
		all = append(all, bad(fmt.Sprint("s", i), "\xff2318.HK,1605760851123"))
	}
	w.publish(all...)
	w.judge()
	got := w.redrive(Quarantine, Redrive{Mend: Mend{Replace: []Replacement{{"\xff", ""}}}})
	if got.Total != (Tally{Redriven: len(all)}) || got.StillBad != 0 || len(w.successors()) != len(all) {
		t.Errorf("%+v", got)
	}
}

// Where the input topic does not hold the record any more, only one that is set anew can go.
func TestRedriveOfWhatIsGone(t *testing.T) {
	w := newWorld(t)
	d := feed.Delivery{Key: "s", Value: "2318\ufffd,1", Form: feed.Lossy, Origin: feed.Origin{Topic: topics.Input, Offset: 7}, Timestamp: at}
	why := feed.Rejection{Reason: feed.InvalidStockCode, Detail: "so"}
	w.produce(feedkafka.QuarantineMessage(topics.Quarantine, &d, &why, time.Now()))
	got := w.redrive(Quarantine, Redrive{})
	if got.Total != (Tally{Refused: 1}) || !strings.Contains(got.Refusals[0].Why, "does not hold it any more") {
		t.Errorf("%+v", got)
	}
	if got := w.redrive(Quarantine, Redrive{Mend: Mend{Set: []Assignment{{"value", "2318.HK,1605760851123"}}}}); got.Total.Redriven != 1 {
		t.Errorf("with a value: %+v", got)
	}
}

// What somebody else has written among the records set aside is told, and stops nothing.
func TestRedriveOfWhatIsNone(t *testing.T) {
	w := newWorld(t)
	w.publish(bad("s", "malformed"))
	w.judge()
	w.produce(feedkafka.Message{Topic: topics.Quarantine, Value: []byte("hello")},
		feedkafka.Message{Topic: topics.DeadLetter, Value: []byte("hello")})
	got := w.redrive(Quarantine, Redrive{})
	if got.Total != (Tally{Redriven: 1, Refused: 1}) || got.Refusals[0].Origin != "feed-quarantine/0/1" {
		t.Errorf("%+v", got)
	}
	if got = w.redrive(DeadLetter, Redrive{}); got.Total != (Tally{Refused: 1}) {
		t.Errorf("%+v", got)
	}
	if got = w.redrive(Quarantine, Redrive{Filter: Filter{Reason: feed.MalformedValue}}); got.Total != (Tally{Before: 1, Filtered: 1}) {
		t.Errorf("%+v", got)
	}
}

// A record as large as its topic takes has no room for the headers: it is refused by itself.
func TestRedriveOfWhatDoesNotFit(t *testing.T) {
	w := newWorld(t)
	w.publish(bad("s", strings.Repeat("x", 1_048_588-80)), bad("s", "y"))
	w.judge()
	got := w.redrive(Quarantine, Redrive{})
	if got.Total != (Tally{Redriven: 1, Refused: 1}) || !strings.Contains(got.Refusals[0].Why, "does not fit") {
		t.Errorf("%+v", got)
	}
}

// The editor changes records, and leaves out those that shall stay where they are.
func TestRedriveEdited(t *testing.T) {
	w := newWorld(t)
	w.publish(bad("a", "wrong"), bad("b", "stays"), bad("c", "\xff"))
	w.judge()
	r := Redrive{}
	r.Edit = func(_ context.Context, lines []byte) ([]byte, error) {
		var kept []string
		for _, l := range strings.SplitAfter(string(lines), "\n") {
			if !strings.Contains(l, "stays") {
				kept = append(kept, strings.ReplaceAll(l, "wrong", "2318.HK,1605760851123"))
			}
		}
		return []byte(strings.Join(kept, "")), nil
	}
	if got := w.redrive(Quarantine, r); got.Total != (Tally{Redriven: 2, Filtered: 1}) || got.StillBad != 1 {
		t.Errorf("%+v", got)
	}
	for _, spoilt := range []string{`{"origin":"feed-updates/0/99"}`, `{"origin":`, `{"orogin":"x"}`} {
		t.Setenv("TMPDIR", t.TempDir()) // what was written is kept
		r.Edit = func(context.Context, []byte) ([]byte, error) { return []byte(spoilt), nil }
		if _, err := w.feed.Redrive(w.context(), Quarantine, r); err == nil || !strings.Contains(err.Error(), "record 1 as edited") {
			t.Errorf("%s: %v", spoilt, err)
		}
	}
	if n := len(w.successors()); n != 2 {
		t.Errorf("%d were redriven", n)
	}
	t.Setenv("VISUAL", "sed -i s/stays/2318.HK,1605760851123/g")
	r.Edit = Terminal(nil, io.Discard, io.Discard)
	if got := w.redrive(Quarantine, r); got.Total != (Tally{Redriven: 1, Before: 2}) || got.StillBad != 0 {
		t.Errorf("with a program: %+v", got)
	}
	t.Setenv("VISUAL", "false")
	if _, err := r.Edit(w.context(), []byte("{}\n")); err == nil || !strings.Contains(err.Error(), "what it left is in that file") {
		t.Errorf("a program that fails: %v", err)
	}
}

// The first records of the input topic were deleted: what was set aside before the oldest that is left may
// have been redriven already.
func TestRedriveOfWhatNobodyCanTell(t *testing.T) {
	w := newWorld(t)
	w.publish(bad("s", "malformed"))
	w.judge()
	w.publish(update("s", "2318.HK"))
	w.deleteFirst()
	got := w.redrive(Quarantine, Redrive{})
	if got.Total.Refused != 1 || !strings.Contains(got.Refusals[0].Why, "--even-twice") {
		t.Errorf("%+v", got)
	}
	if got := w.redrive(Quarantine, Redrive{EvenTwice: true}); got.Total.Redriven != 1 {
		t.Errorf("even twice: %+v", got)
	}
}

// A redrive is ended at each of its requests to the brokers, before or after that takes effect, and started
// again: each record has one successor.
func TestRedriveInterrupted(t *testing.T) {
	for _, when := range []fault.Moment{fault.Before, fault.After} {
		for n := int64(1); ; n++ {
			if interrupted(t, when, n) {
				continue
			}
			if n < 20 {
				t.Errorf("only %d requests were made", n-1)
			}
			t.Logf("ended at each of %d requests", n-1)
			break
		}
	}
}

// interrupted reports whether there was an nth request to end the redrive at.
func interrupted(t *testing.T, when fault.Moment, n int64) (ended bool) {
	w := newWorld(t)
	const records = 250 // more than two chunks
	var all []*kgo.Record
	for i := range records {
		all = append(all, bad(fmt.Sprint("s", i), "2318.HK"))
	}
	w.publish(all...)
	w.judge()
	ctx, cancel := context.WithCancel(w.context())
	defer cancel()
	var calls atomic.Int64
	w.server.Fault(func(kafka.Call) fault.Fault {
		switch count := calls.Add(1); {
		case count == n:
			cancel()
			return fault.Fault{When: when, Drop: true}
		case count > n: // nothing reaches the brokers any more, as after a kill
			return fault.Fault{Drop: true}
		}
		return fault.Fault{}
	})
	r := Redrive{Mend: Mend{Set: []Assignment{{"timestamp", fmt.Sprint(at)}}}}
	_, err := w.feed.Redrive(ctx, Quarantine, r)
	w.server.Fault(nil)
	ended = calls.Load() >= n
	if err != nil {
		w.redrive(Quarantine, r)
	}
	successors := w.successors()
	for origin, found := range successors {
		if len(found) != 1 {
			t.Errorf("request %d: %s has %d successors", n, origin, len(found))
		}
	}
	if len(successors) != records {
		t.Errorf("request %d: %d of %d records were redriven", n, len(successors), records)
	}
	return ended
}

// A filter that nothing can pass is a mistake, and not the answer that there is nothing to do.
func TestFiltersThatNothingCanPassAreRefused(t *testing.T) {
	w := newWorld(t)
	bound := func(s string) audit.Bound {
		b, err := audit.ParseBound(s)
		must(t, err)
		return b
	}
	for _, test := range []struct {
		from   Source
		filter Filter
		want   string // "": it is taken
	}{
		{Quarantine, Filter{Reason: "nonsense"}, `reason "nonsense" is none of this topic: they are undecodable-event, missing-key`},
		{Quarantine, Filter{Reason: PushFailed}, "sink-rejected, unreadable"},
		{DeadLetter, Filter{Reason: feed.MissingKey}, "they are push-failed, unreadable"},
		{Quarantine, Filter{From: bound("2:0")}, "topic feed-updates has no partition 2: name one below 2"},
		{DeadLetter, Filter{To: bound("7:1")}, "topic feed-updates has no partition 7"},
		{Quarantine, Filter{From: bound("0:0"), To: bound("1:9")}, "the bounds name two partitions"},
		{Quarantine, Filter{Reason: feed.SinkRejected, Sender: "s", Code: "c", From: bound("1:0"), To: bound("1:9")}, ""},
		{DeadLetter, Filter{Reason: PushFailed}, ""},
	} {
		_, listed := w.feed.List(w.context(), test.from, test.filter)
		_, redriven := w.feed.Redrive(w.context(), test.from, Redrive{Filter: test.filter})
		for _, err := range []error{listed, redriven} {
			if test.want == "" {
				must(t, err)
			} else {
				testkit.WantError(t, err, test.want)
			}
		}
	}
}
