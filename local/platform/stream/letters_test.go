package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"feedstream/local/platform/manifest"
)

const deadTopic = "dead"

// deadTopic makes the dead-letter topic.
func (b *bed) deadTopic(t *testing.T, mostBytes int) {
	t.Helper()
	most := strconv.Itoa(mostBytes)
	made, err := kadm.NewClient(b.client).CreateTopic(t.Context(), 1, 1, map[string]*string{"max.message.bytes": &most}, deadTopic)
	if err = errors.Join(err, made.Err); err != nil {
		t.Fatal(err)
	}
}

func giveUpSoon(declared *manifest.Stream) {
	declared.Retry, declared.DeadLetterTopic, declared.Concurrency = manifest.BackoffRetry, deadTopic, 1
}

// in produces input records that go into one push.
func (b *bed) in(t *testing.T, records ...*kgo.Record) {
	t.Helper()
	client := b.connect(t, kgo.ProducerBatchMaxBytes(8<<20), kgo.ProducerLinger(20*time.Millisecond))
	for _, r := range records {
		r.Topic = "in"
	}
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// lettersOf reads the whole dead-letter topic.
func (b *bed) lettersOf(t *testing.T) (letters []*kgo.Record) {
	t.Helper()
	ends, err := kadm.NewClient(b.client).ListEndOffsets(t.Context(), deadTopic)
	if err != nil {
		t.Fatal(err)
	}
	end, _ := ends.Lookup(deadTopic, 0)
	reader := b.connect(t, kgo.ConsumeTopics(deadTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for int64(len(letters)) < end.Offset {
		letters = append(letters, reader.PollFetches(t.Context()).Records()...)
	}
	return letters
}

// read takes a letter apart, and its headers.
func read(t errorer, letter *kgo.Record) (offset int64, key, value string, headers map[string]string) {
	var event struct {
		Data struct {
			Offset     int64
			Key, Value string
		}
	}
	if err := json.Unmarshal(letter.Value, &event); err != nil {
		t.Errorf("letter %.100s: %v", letter.Value, err)
	}
	headers = map[string]string{}
	for _, h := range letter.Headers {
		headers[h.Key] = string(h.Value)
	}
	return event.Data.Offset, event.Data.Key, event.Data.Value, headers
}

type errorer interface {
	Errorf(format string, args ...any)
}

// A dead letter that its topic does not take is cut, once; its neighbours stand there once and whole.
func TestLargeDeadLettersAreCut(t *testing.T) {
	incompressible := make([]byte, 1_000_000)
	for i, state := 0, uint32(1); i < len(incompressible); i++ {
		state = state*1664525 + 1013904223
		incompressible[i] = byte(state >> 24)
	}
	for name, test := range map[string]struct {
		most  int
		value []byte
		cut   bool
	}{
		"bytes that are not UTF-8":       {MaxLetterBytes, bytes.Repeat([]byte{0xff}, 900_000), true},
		"what compression makes fit":     {MaxLetterBytes, bytes.Repeat([]byte{0xff}, 400_000), false},
		"bytes that do not compress":     {MaxLetterBytes, incompressible, true},
		"a topic that takes very little": {2_000, bytes.Repeat([]byte("ab\n"), 100_000), true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.deadTopic(t, test.most)
			b.in(t, &kgo.Record{Value: []byte("good 0")}, &kgo.Record{Key: []byte("k"), Value: test.value}, &kgo.Record{Value: []byte("good 2")})
			s, _ := b.start(t, func(context.Context, []byte) error { return errors.New("broken") }, giveUpSoon)
			committed(t, s, map[int]int64{0: 3})
			letters := b.lettersOf(t)
			if got := s.Status(); len(letters) != 3 || got.DeadLettered != 3 || len(got.Failing) != 0 {
				t.Fatalf("%d letters, status %+v", len(letters), got)
			}
			for _, letter := range letters {
				offset, _, value, headers := read(t, letter)
				if offset != 1 {
					if want := fmt.Sprint("good ", offset); value != want || len(headers) > 0 {
						t.Errorf("letter of offset %d holds %.100q, headers %v", offset, value, headers)
					}
					continue
				}
				whole := delivered(appendText(nil, test.value))
				if cut := headers[HeaderValueForm] == FormCut; cut != test.cut || !strings.HasPrefix(whole, value) || (len(value) < len(whole)) != cut {
					t.Errorf("%d of %d bytes, headers %v", len(value), len(whole), headers)
				}
				if test.cut && (headers[HeaderValueBytes] != strconv.Itoa(len(whole)) || headers[HeaderOriginOffset] != "1") {
					t.Errorf("headers %v", headers)
				}
			}
		})
	}
}

// A push that has failed is given up at once by whoever wants that, whether it waits for a retry or is tried just now: its records are dead letters, and the group
// goes on behind them. One without a place for them is not.
func TestGivingUp(t *testing.T) {
	b := newBed(t)
	b.deadTopic(t, MaxLetterBytes)
	b.in(t, &kgo.Record{Value: []byte("a")}, &kgo.Record{Value: []byte("b")})
	var broken atomic.Bool
	broken.Store(true)
	var tries atomic.Int64
	second, given := make(chan struct{}), make(chan struct{})
	push := func(context.Context, []byte) error {
		if !broken.Load() {
			return nil
		}
		if tries.Add(1) == 2 {
			close(second)
			<-given
		}
		return errors.New("broken")
	}
	s, _ := b.start(t, push, func(declared *manifest.Stream) { declared.DeadLetterTopic, declared.Concurrency = deadTopic, 1 })
	<-second
	if pushes, err := s.GiveUp(); pushes != 1 || err != nil {
		t.Errorf("gave up %d pushes: %v", pushes, err)
	}
	if pushes, err := s.GiveUp(); pushes != 0 || err != nil {
		t.Errorf("gave up %d pushes a second time: %v", pushes, err)
	}
	close(given)
	committed(t, s, map[int]int64{0: 2})
	if tries.Load() != 2 {
		t.Errorf("tried %d times", tries.Load())
	}
	broken.Store(false)
	if letters, got := b.lettersOf(t), s.Status(); len(letters) != 2 || got.DeadLettered != 2 || len(got.Failing) != 0 {
		t.Errorf("%d letters, status %+v", len(letters), got)
	}
	b.in(t, &kgo.Record{Value: []byte("c")})
	committed(t, s, map[int]int64{0: 3})
	w := newWaits()
	if !w.wait(t.Context(), time.Hour, func() bool { w.end(); return true }) {
		t.Error("a wait that was ended as it began goes on")
	}
	for _, without := range []manifest.Stream{{TolerateErrors: true}, {DeadLetterTopic: deadTopic}} {
		if _, err := (&Stream{declared: without, retries: newWaits()}).GiveUp(); err == nil || !strings.Contains(err.Error(), "deadLetterQueue") {
			t.Errorf("%+v: error = %v", without, err)
		}
	}
}

// A topic that takes no letter at all is told of, with the push that waits for it, until it takes them.
func TestADeadLetterTopicThatTakesNothing(t *testing.T) {
	b := newBed(t)
	b.deadTopic(t, 200)
	b.in(t, &kgo.Record{Key: []byte("k"), Value: bytes.Repeat([]byte{0xff, 'a', 1}, 10_000)})
	s, _ := b.start(t, func(context.Context, []byte) error { return errors.New("broken") }, giveUpSoon)
	eventually(t, "the fault", func() bool {
		failing := s.Status().Failing
		return len(failing) == 1 && strings.Contains(failing[0].Error, "write dead letters to "+deadTopic)
	})
	most := "1000"
	if _, err := kadm.NewClient(b.client).AlterTopicConfigs(t.Context(),
		[]kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &most}}, deadTopic); err != nil {
		t.Fatal(err)
	}
	s.RetryNow()
	committed(t, s, map[int]int64{0: 1})
	if letters := b.lettersOf(t); len(letters) != 1 {
		t.Errorf("%d letters", len(letters))
	}
}

// What is cut fits, is the event's beginning, and says what the whole was, for whatever bytes.
func TestCutLetters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		content := rapid.OneOf(
			rapid.SliceOfN(rapid.Byte(), 0, 3000),
			rapid.Map(rapid.StringN(0, 1000, 3000), func(s string) []byte { return []byte(s) }),
			rapid.SampledFrom([][]byte{nil, []byte("{\"a\": 1}"), []byte("12345678901234567890"), []byte(`"quoted"`), bytes.Repeat([]byte{0xff}, 3000)}))
		r := &kgo.Record{Topic: "in", Partition: 1, Offset: 7, Timestamp: time.UnixMilli(1605760851123),
			Key: content.Draw(t, "key"), Value: content.Draw(t, "value"),
			Headers: []kgo.RecordHeader{{Key: "large", Value: make([]byte, 5000)}, {Key: HeaderRedrives, Value: []byte("2")}}}
		limit := rapid.IntRange(1200, 30_000).Draw(t, "limit")
		m, bare := encoder{}.cut(r, limit)
		if size := letterBytes(m); size > limit {
			t.Fatalf("%d bytes, the limit is %d", size, limit)
		}
		_, key, value, headers := read(t, m)
		wholeKey, wholeValue := delivered(appendText(nil, r.Key)), delivered(appendValue(nil, r.Value))
		if !strings.HasPrefix(wholeKey, key) || !strings.HasPrefix(wholeValue, value) || bare && key+value != "" {
			t.Fatalf("%q, %q are not the beginnings of %q, %q", key, value, wholeKey, wholeValue)
		}
		want := fmt.Sprint(whole(wholeValue, HeaderValueBytes, HeaderValueSHA256))
		if got := fmt.Sprint(m.Headers); !strings.Contains(got, strings.Trim(want, "[]")) {
			t.Fatalf("headers %v", headers)
		}
		if _, told := headers[HeaderKeySHA256]; told != (len(key) < len(wholeKey)) {
			t.Fatalf("the key has %d of %d bytes, headers %v", len(key), len(wholeKey), headers)
		}
	})
}

// While a push is tried again, there is no time of its next attempt.
func TestAPushUnderWayHasNoNextAttempt(t *testing.T) {
	b := newBed(t)
	attempts, answers := make(chan struct{}), make(chan error)
	b.produce(t, b.client, 1, 1)
	s, _ := b.start(t, func(ctx context.Context, _ []byte) error {
		select {
		case attempts <- struct{}{}:
			return <-answers
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	<-attempts
	answers <- errors.New("no")
	<-attempts // after a wait of a millisecond
	if failing := s.Status().Failing; len(failing) != 1 || !failing[0].Next.IsZero() {
		t.Errorf("in its second attempt the push is told as %+v", failing)
	}
	answers <- nil
	committed(t, s, map[int]int64{1: 1})
}

// The push that holds a partition is told as long as it fails.
func TestAPushThatKeepsFailingIsTold(t *testing.T) {
	b := newBed(t)
	var works atomic.Bool
	b.produce(t, b.client, 1, 3)
	s, _ := b.start(t, func(context.Context, []byte) error {
		if works.Load() {
			return nil
		}
		return errors.New("the topic takes no such record")
	})
	eventually(t, "three attempts", func() bool {
		s.RetryNow()
		failing := s.Status().Failing
		return len(failing) == 1 && failing[0].Attempts >= 3
	})
	got := s.Status().Failing[0]
	if got.Topic != "in" || got.Partition != 1 || got.Offset != 0 || got.Records < 1 || got.Error != "the topic takes no such record" ||
		got.Since.IsZero() || time.Since(got.Since) > time.Minute {
		t.Errorf("failing = %+v", got)
	}
	works.Store(true)
	s.RetryNow()
	committed(t, s, map[int]int64{1: 3})
	eventually(t, "the end of it", func() bool { return len(s.Status().Failing) == 0 })
}
