// Package kafkatest is what the rest of the project relies on in a broker and in the producer, as a
// suite: the embedded broker runs it, and so can a real one.
package kafkatest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"feedstream/shared/feed"
	feedkafka "feedstream/shared/kafka"
	"feedstream/shared/testkit"
)

// Run runs the suite. open returns host:port of a broker and may return the same one each time: every
// subtest makes topics of its own and leaves them behind.
func Run(t *testing.T, open func(testing.TB) string) {
	for _, test := range []struct {
		name string
		run  func(*broker, *testing.T)
	}{
		{"several topics at once", (*broker).severalTopics},
		{"order per key", (*broker).orderPerKey},
		{"partitions as in Java", (*broker).javaPartitions},
		{"content arrives unchanged", (*broker).content},
		{"many batches", (*broker).manyBatches},
		{"too large for the topic", (*broker).tooLarge},
		{"too large for a batch", (*broker).largerThanBatch},
		{"missing topic", (*broker).missingTopic},
		{"topic created after the first", (*broker).lateTopic},
		{"cancelled", (*broker).cancelled},
		{"nothing to send", (*broker).nothing},
		{"messages without key in one call", (*broker).unkeyed},
		{"prepared before it is sent", (*broker).prepared},
		{"prepared before its topic was created", (*broker).preparedEarly},
	} {
		t.Run(test.name, func(t *testing.T) {
			addr := open(t)
			test.run(&broker{addr: addr, client: &kafka.Client{Addr: kafka.TCP(addr), Transport: &kafka.Transport{}}}, t)
		})
	}
}

type broker struct {
	addr   string
	client *kafka.Client
}

func (b *broker) producer(t *testing.T) *feedkafka.Producer {
	t.Helper()
	p := testkit.Must(feedkafka.New(feedkafka.Config{Brokers: []string{b.addr}}))(t)
	t.Cleanup(p.Close)
	return p
}

func name() string { return "kafkatest-" + strconv.FormatUint(rand.Uint64(), 36) }

func (b *broker) topic(t *testing.T, partitions int, configs ...kafka.ConfigEntry) string {
	t.Helper()
	topic := name()
	b.create(t, topic, partitions, configs...)
	return topic
}

func (b *broker) create(t *testing.T, topic string, partitions int, configs ...kafka.ConfigEntry) {
	t.Helper()
	resp, err := b.client.CreateTopics(testkit.Context(t), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: configs},
	}})
	if err == nil {
		err = resp.Errors[topic]
	}
	if err != nil {
		t.Fatalf("create topic: %v", err)
	}
}

// read returns the first n messages of a partition.
func (b *broker) read(t *testing.T, topic string, partition, n int) []feedkafka.Message {
	t.Helper()
	ctx := testkit.Context(t)
	var messages []feedkafka.Message
	for len(messages) < n {
		resp, err := b.client.Fetch(ctx, &kafka.FetchRequest{Topic: topic, Partition: partition, Offset: int64(len(messages)),
			MinBytes: 1, MaxBytes: 8 << 20, MaxWait: 500 * time.Millisecond})
		if err == nil {
			err = resp.Error
		}
		if err != nil {
			t.Fatalf("read %s/%d after %d of %d messages: %v", topic, partition, len(messages), n, err)
		}
		for err == nil {
			var r *kafka.Record
			if r, err = resp.Records.ReadRecord(); err == nil && r.Offset >= int64(len(messages)) {
				messages = append(messages, message(t, topic, partition, r))
			}
		}
		if !errors.Is(err, io.EOF) {
			t.Fatalf("read %s/%d: %v", topic, partition, err)
		}
	}
	return messages[:n]
}

func message(t *testing.T, topic string, partition int, r *kafka.Record) feedkafka.Message {
	m := feedkafka.Message{Topic: topic, Time: r.Time.UTC(), Partition: partition, Offset: r.Offset}
	for _, part := range []struct {
		from kafka.Bytes
		to   *[]byte
	}{{r.Key, &m.Key}, {r.Value, &m.Value}} {
		if part.from == nil {
			continue
		}
		read := testkit.Must(kafka.ReadAll(part.from))(t)
		*part.to = append([]byte{}, read...) // empty is not null
	}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, feedkafka.Header(h))
	}
	return m
}

func produce(t *testing.T, p *feedkafka.Producer, messages []feedkafka.Message) {
	t.Helper()
	if err := p.Produce(testkit.Context(t), messages); err != nil {
		t.Fatal(err)
	}
}

func (b *broker) severalTopics(t *testing.T) {
	records, quarantine := b.topic(t, 4), b.topic(t, 1)
	var messages []feedkafka.Message
	for i := range 50 {
		key := []byte(fmt.Sprintf("192.168.2.%d", i))
		messages = append(messages, feedkafka.Message{Topic: records, Key: key, Value: []byte("r" + strconv.Itoa(i))})
		if i%5 == 0 {
			messages = append(messages, feedkafka.Message{Topic: quarantine, Key: key, Value: []byte("q" + strconv.Itoa(i))})
		}
	}
	produce(t, b.producer(t), messages)
	perPartition := map[string][]feedkafka.Message{}
	for _, m := range messages {
		at := m.Topic + "/" + strconv.Itoa(m.Partition)
		perPartition[at] = append(perPartition[at], m)
	}
	for _, want := range perPartition {
		got := b.read(t, want[0].Topic, want[0].Partition, len(want))
		for i := range want {
			if got[i].Offset != want[i].Offset || !bytes.Equal(got[i].Value, want[i].Value) {
				t.Errorf("%s/%d: offset %d holds %q, Produce said %d for %q", want[i].Topic, want[i].Partition,
					got[i].Offset, got[i].Value, want[i].Offset, want[i].Value)
			}
		}
	}
}

// prepared messages are nowhere until they are sent, and then where those are that were sent before.
func (b *broker) prepared(t *testing.T) {
	topic, p, ctx := b.topic(t, 1), b.producer(t), testkit.Context(t)
	first := []feedkafka.Message{{Topic: topic, Value: []byte("prepared first")}}
	send := p.Prepare(ctx, first)
	p.Prepare(ctx, []feedkafka.Message{{Topic: topic, Value: []byte("never sent")}})
	produce(t, p, []feedkafka.Message{{Topic: topic, Value: []byte("sent first")}})
	if err := send(ctx); err != nil {
		t.Fatal(err)
	}
	if first[0].Offset != 1 {
		t.Errorf("the prepared message stands at %d, want 1", first[0].Offset)
	}
	produce(t, p, []feedkafka.Message{{Topic: topic, Value: []byte("sent last")}})
	for i, m := range b.read(t, topic, 0, 3) {
		if want := []string{"sent first", "prepared first", "sent last"}[i]; string(m.Value) != want {
			t.Errorf("offset %d holds %q, want %q", i, m.Value, want)
		}
	}
}

// preparedEarly: what could not be parted by partitions is, once it is sent.
func (b *broker) preparedEarly(t *testing.T) {
	topic, p, ctx := name(), b.producer(t), testkit.Context(t)
	send := p.Prepare(ctx, []feedkafka.Message{{Topic: topic, Value: []byte("early")}})
	b.create(t, topic, 1)
	if err := send(ctx); err != nil {
		t.Fatal(err)
	}
	if m := b.read(t, topic, 0, 1)[0]; string(m.Value) != "early" {
		t.Errorf("the topic holds %q", m.Value)
	}
}

func (b *broker) orderPerKey(t *testing.T) {
	topic, p := b.topic(t, 3), b.producer(t)
	next := map[string]int{}
	perPartition := make([]int, 3)
	for range 5 {
		messages := make([]feedkafka.Message, 200)
		for i := range messages {
			key := strconv.Itoa(rand.IntN(10))
			messages[i] = feedkafka.Message{Topic: topic, Key: []byte(key), Value: []byte(strconv.Itoa(next[key]))}
			next[key]++
		}
		produce(t, p, messages)
		for _, m := range messages {
			perPartition[m.Partition]++
		}
	}
	seen := map[string]int{}
	for partition, n := range perPartition {
		for _, m := range b.read(t, topic, partition, n) {
			if got := string(m.Value); got != strconv.Itoa(seen[string(m.Key)]) {
				t.Fatalf("key %s: message %s where %d is due", m.Key, got, seen[string(m.Key)])
			}
			seen[string(m.Key)]++
		}
	}
	if diff := cmp.Diff(next, seen); diff != "" {
		t.Error(diff)
	}
}

// javaPartitions holds the producer to the hashes that the Java client's own tests state.
func (b *broker) javaPartitions(t *testing.T) {
	const partitions = 7
	topic := b.topic(t, partitions)
	hashes := map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	}
	var messages []feedkafka.Message
	for key := range hashes {
		messages = append(messages, feedkafka.Message{Topic: topic, Key: []byte(key)})
	}
	produce(t, b.producer(t), messages)
	for _, m := range messages {
		if want := int(hashes[string(m.Key)]&0x7fffffff) % partitions; m.Partition != want {
			t.Errorf("key %q lies in partition %d, the Java client chooses %d", m.Key, m.Partition, want)
		}
	}
}

func (b *broker) content(t *testing.T) {
	topic := b.topic(t, 1)
	at := time.Date(2020, 11, 19, 4, 40, 51, 123e6, time.UTC)
	messages := []feedkafka.Message{
		{Topic: topic, Key: []byte("key"), Value: []byte("value"), Time: at, Headers: []feedkafka.Header{
			{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "none"},
			{Key: "bytes", Value: []byte{0, 0xff}}}},
		{Topic: topic, Time: at.Add(-time.Hour)},
		{Topic: topic, Key: []byte{0xff, 0}, Value: bytes.Repeat([]byte("x"), 300_000), Time: at.Add(time.Hour)},
	}
	produce(t, b.producer(t), messages)
	got := b.read(t, topic, 0, len(messages))
	if diff := cmp.Diff(messages, got); diff != "" {
		t.Error(diff)
	}
}

func (b *broker) manyBatches(t *testing.T) {
	topic := b.topic(t, 1)
	messages := make([]feedkafka.Message, 5000)
	for i := range messages {
		messages[i] = feedkafka.Message{Topic: topic, Key: []byte("k"), Value: make([]byte, 1000)}
		binary.BigEndian.PutUint64(messages[i].Value, uint64(i))
	}
	produce(t, b.producer(t), messages)
	for i, m := range b.read(t, topic, 0, len(messages)) {
		if got := binary.BigEndian.Uint64(m.Value); got != uint64(i) || messages[i].Offset != int64(i) {
			t.Fatalf("offset %d holds message %d, Produce said offset %d", i, got, messages[i].Offset)
		}
	}
}

// tooLarge: one message beyond the topic's limit is rejected, its neighbours in the batch are not.
func (b *broker) tooLarge(t *testing.T) {
	topic := b.topic(t, 1, kafka.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: "10000"})
	const large = 37
	messages := make([]feedkafka.Message, 100)
	for i := range messages {
		messages[i] = feedkafka.Message{Topic: topic, Key: []byte("k"), Value: []byte(strconv.Itoa(i))}
	}
	messages[large].Value = make([]byte, 20_000)
	err := b.producer(t).Produce(testkit.Context(t), messages)
	var rejected *feed.RejectedError
	if !errors.As(err, &rejected) {
		t.Fatalf("error = %v, want a *feed.RejectedError", err)
	}
	if len(rejected.Rejections) != 1 || rejected.Rejections[0].Index != large {
		t.Fatalf("rejections = %+v, want message %d rejected", rejected.Rejections, large)
	}
	if reason := rejected.Rejections[0].Reason; !strings.Contains(reason, topic) ||
		!strings.Contains(reason, kafka.MessageSizeTooLarge.Title()) {
		t.Errorf("reason = %q, want the topic and the cause", reason)
	}
	offset := int64(0)
	for i, m := range messages {
		if i == large {
			continue
		}
		if m.Offset != offset {
			t.Fatalf("message %d has offset %d, want %d", i, m.Offset, offset)
		}
		offset++
	}
}

// largerThanBatch: a message larger than the producer's batches goes alone, if the topic takes it.
func (b *broker) largerThanBatch(t *testing.T) {
	topic := b.topic(t, 1, kafka.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: "3000000"})
	messages := []feedkafka.Message{
		{Topic: topic, Value: []byte("before")}, {Topic: topic, Value: make([]byte, 2_000_000)},
		{Topic: topic, Value: []byte("after")},
	}
	produce(t, b.producer(t), messages)
	for i, m := range b.read(t, topic, 0, 3) {
		if len(m.Value) != len(messages[i].Value) || messages[i].Offset != int64(i) {
			t.Errorf("offset %d holds %d bytes, want %d", i, len(m.Value), len(messages[i].Value))
		}
	}
}

func (b *broker) missingTopic(t *testing.T) {
	topic, missing := b.topic(t, 1), name()
	messages := []feedkafka.Message{{Topic: missing, Value: []byte("1")}, {Topic: topic, Value: []byte("2")}}
	err := b.producer(t).Produce(testkit.Context(t), messages)
	var failed *feedkafka.ProduceError
	if !errors.As(err, &failed) || len(failed.Failures) != 1 || !errors.Is(err, feedkafka.ErrTopicNotFound) {
		t.Fatalf("error = %v, want a *ProduceError with one failure, ErrTopicNotFound", err)
	}
	if f := failed.Failures[0]; f.Index != 0 || f.Topic != missing {
		t.Errorf("failure = %+v, want a passing one of message 0", f)
	}
	if got := b.read(t, topic, 0, 1); string(got[0].Value) != "2" {
		t.Errorf("the other topic holds %q", got[0].Value)
	}
}

// lateTopic: the metadata is fetched anew before a message fails, so a topic made a moment ago is found.
func (b *broker) lateTopic(t *testing.T) {
	p, early, late := b.producer(t), b.topic(t, 1), name()
	produce(t, p, []feedkafka.Message{{Topic: early, Value: []byte("1")}})
	b.create(t, late, 1)
	produce(t, p, []feedkafka.Message{{Topic: late, Value: []byte("1")}})
}

func (b *broker) cancelled(t *testing.T) {
	topic := b.topic(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := b.producer(t).Produce(ctx, []feedkafka.Message{{Topic: topic, Value: []byte("1")}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
}

func (b *broker) nothing(t *testing.T) { produce(t, b.producer(t), nil) }

func (b *broker) unkeyed(t *testing.T) {
	topic := b.topic(t, 4)
	messages := make([]feedkafka.Message, 20)
	for i := range messages {
		messages[i] = feedkafka.Message{Topic: topic, Value: []byte(strconv.Itoa(i))}
	}
	produce(t, b.producer(t), messages)
	for i, m := range messages {
		if m.Partition != messages[0].Partition || m.Offset != int64(i) {
			t.Errorf("message %d lies at %d/%d", i, m.Partition, m.Offset)
		}
	}
}
