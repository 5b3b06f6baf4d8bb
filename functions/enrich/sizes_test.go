package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/twmb/franz-go/pkg/kgo"

	embedded "feedstream/local/services/kafka"
	"feedstream/shared/feed"
	"feedstream/shared/kafka"
	"feedstream/shared/testkit"
)

// TestASizeNeverHoldsAPush pushes bad records of whatever size and bytes, keys and values, beside good ones,
// and produces to a broker whose quarantine has a room of its own: each record has exactly one verdict, and
// what is set aside fits and tells of the whole. Values above a topic's limit are those that travelled
// compressed.
func TestASizeNeverHoldsAPush(t *testing.T) {
	limits := map[string]int{"roomy": feed.MaxSetAsideBytes, "default": feed.MaxInputBytes, "small": 5_000}
	var topics []embedded.Topic
	for name, limit := range limits {
		topics = append(topics, embedded.Topic{Name: name, Partitions: 1, Configs: map[string]string{"max.message.bytes": strconv.Itoa(limit)}})
	}
	topics = append(topics, embedded.Topic{Name: "out", Partitions: 4})
	server := testkit.Must(embedded.Start(embedded.Options{Addr: "127.0.0.1:0", Dir: t.TempDir(), Topics: topics}))(t)
	defer server.Close()
	producer := testkit.Must(kafka.New(kafka.Config{Brokers: []string{server.Addr()}}))(t)
	defer producer.Close()
	reader := newReader(t, server.Addr(), "out", "roomy", "default", "small")

	offset := 0
	rapid.Check(t, func(rt *rapid.T) {
		topic := rapid.SampledFrom([]string{"roomy", "default", "small"}).Draw(rt, "quarantine")
		e := newWorld(nopTB{}).enricher()
		e.Topics, e.QuarantineTopic = producer, topic
		const good = 2
		bad := rapid.SliceOfN(rapid.Custom(drawBad), 1, 3).Draw(rt, "bad")
		inputs := []input{{"good", updateOf("2318.HK", eventTime)}}
		for _, b := range bad {
			inputs = append(inputs, input{b.key, b.value})
		}
		inputs = append(inputs, input{"good", updateOf("9999.HK", eventTime)})
		body := push(nopTB{}, offset, inputs...)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := e.Push(ctx, body); err != nil {
			rt.Fatal(err)
		}
		seen := map[int64]bool{}
		for _, m := range reader.read(rt, ctx, len(bad)+good) {
			origin, problem := verdictOf(&m, limits[m.Topic], offset, inputs)
			if problem != "" || seen[origin] || m.Topic != "out" && m.Topic != topic {
				rt.Fatalf("offset %d in %s: %s; seen before: %v", origin, m.Topic, problem, seen[origin])
			}
			seen[origin] = true
		}
		offset += len(inputs)
	})
}

type badInput struct{ key, value string }

// drawBad draws a key and a value of which at least one is no valid input. The strings are as Go has them;
// the push carries what is left of them in JSON.
func drawBad(t *rapid.T) badInput {
	const most = 1_400_000 // beyond what travels uncompressed
	unit := rapid.SampledFrom([]string{"\xff", "a", "平", "\x00", `"`, "\ufffd,", "{"})
	size := rapid.OneOf(rapid.IntRange(0, 8_000), rapid.IntRange(300_000, 400_000), rapid.IntRange(1_000_000, most))
	text := func(name string) string {
		u := unit.Draw(t, name+" of")
		return strings.Repeat(u, size.Draw(t, name+" bytes")/len(u))
	}
	b := badInput{key: "s", value: text("value")}
	if rapid.Bool().Draw(t, "large key") {
		b.key, b.value = text("key"), rapid.SampledFrom([]string{"", "v", b.value}).Draw(t, "value beside it")
	}
	return b
}

// verdictOf reads the origin of what was produced, and says what is wrong with it.
func verdictOf(m *kafka.Message, limit, first int, inputs []input) (origin int64, problem string) {
	if m.Topic == "out" {
		r, err := kafka.ParseRecord(m)
		if err != nil || r.Sender != "good" {
			return -1, fmt.Sprint("output record of ", r.Sender, err)
		}
		return r.Origin.Offset, ""
	}
	q, err := kafka.ParseQuarantine(m)
	if err != nil {
		return -1, err.Error()
	}
	origin = q.Delivery.Origin.Offset
	in := inputs[origin-int64(first)]
	key, value := inJSON(in.key), inJSON(in.value)
	cut := q.Delivery.Form == feed.Cut
	switch whole := m.Size(); {
	case in.key == "good":
		return origin, "a good record is set aside"
	case whole > limit:
		return origin, fmt.Sprintf("%d bytes, the limit is %d", whole, limit)
	case !cut && (q.Delivery.Key != key || q.Delivery.Value != value):
		return origin, "it is not what was delivered"
	case cut && (!strings.HasPrefix(key, q.Delivery.Key) || !strings.HasPrefix(value, q.Delivery.Value)):
		return origin, "it is not the beginning of what was delivered"
	case cut && *q.WholeValue != feed.WholeOf(value):
		return origin, fmt.Sprintf("the value is said to be %+v", *q.WholeValue)
	case cut && (q.WholeKey != nil) != (q.Delivery.Key != key), q.WholeKey != nil && *q.WholeKey != feed.WholeOf(key):
		return origin, fmt.Sprintf("the key is said to be %+v", q.WholeKey)
	case cut && len(key)+len(value)+1000 < limit:
		return origin, "it is cut and would fit"
	}
	return origin, ""
}

// inJSON is a text after its way through JSON.
func inJSON(text any) (out string) {
	encoded, err := json.Marshal(text)
	if err == nil {
		err = json.Unmarshal(encoded, &out)
	}
	if err != nil {
		panic(err)
	}
	return out
}

// reader reads what is new in topics.
type reader struct{ client *kgo.Client }

func newReader(t *testing.T, broker string, topics ...string) *reader {
	t.Helper()
	client := testkit.Must(kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(20*time.Millisecond)))(t)
	t.Cleanup(client.Close)
	return &reader{client}
}

func (r *reader) read(t *rapid.T, ctx context.Context, n int) (found []kafka.Message) {
	for len(found) < n {
		fetches := r.client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d of %d messages: %v", len(found), n, err)
		}
		for _, record := range fetches.Records() {
			m := kafka.Message{Topic: record.Topic, Key: record.Key, Value: record.Value}
			for _, h := range record.Headers {
				m.Headers = append(m.Headers, kafka.Header(h))
			}
			found = append(found, m)
		}
	}
	if len(found) > n {
		t.Fatalf("%d messages, want %d", len(found), n)
	}
	return found
}
