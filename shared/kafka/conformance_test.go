package kafka_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	embedded "feedstream/local/services/kafka"
	"feedstream/shared/feed"
	"feedstream/shared/kafka"
	"feedstream/shared/kafka/kafkatest"
	"feedstream/shared/testkit"
)

// TestConformance holds the embedded broker and a real one to the suite.
func TestConformance(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		kafkatest.Run(t, func(t testing.TB) string { return start(t, t.TempDir()).Addr() })
	})
	testkit.Real(t, "KAFKA", func(t *testing.T, broker string) {
		kafkatest.Run(t, func(testing.TB) string { return broker })
	})
}

var feedTopics = embedded.FeedTopics(embedded.Names(feed.DefaultTopics()), 4)

func start(t testing.TB, dir string, topics ...embedded.Topic) *embedded.Server {
	t.Helper()
	s := testkit.Must(embedded.Start(embedded.Options{Addr: "127.0.0.1:0", Dir: dir, Topics: topics}))(t)
	t.Cleanup(func() { s.Close() })
	return s
}

// values reads n records of a topic from its beginning.
func values(t *testing.T, s *embedded.Server, topic string, n int) (found []string) {
	t.Helper()
	c := testkit.Must(kgo.NewClient(kgo.SeedBrokers(s.Addr()), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())))(t)
	defer c.Close()
	for ctx := testkit.Context(t); len(found) < n; {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("read topic %s after %d of %d records: %v", topic, len(found), n, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { found = append(found, string(r.Value)) })
	}
	return found
}

func producer(t testing.TB, addr string) *kafka.Producer {
	t.Helper()
	p, err := kafka.New(kafka.Config{Brokers: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// keyed returns n messages for the output topic that go to every partition.
func keyed(n int) []kafka.Message {
	messages := make([]kafka.Message, n)
	for i := range messages {
		messages[i] = kafka.Message{Topic: "feed-records", Key: []byte(strconv.Itoa(i)), Value: []byte(strconv.Itoa(i))}
	}
	return messages
}

func produceFault(err *kerr.Error, count int, partitions ...int32) kfake.Fault {
	return kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "feed-records", Partitions: partitions, Err: err, Count: count}
}

func TestProducerSurvivesOnce(t *testing.T) {
	for name, fault := range map[string]kfake.Fault{
		"leader moved":               produceFault(kerr.NotLeaderForPartition, 1),
		"too few replicas in sync":   produceFault(kerr.NotEnoughReplicas, 1, 2),
		"timed out after it applied": produceFault(kerr.RequestTimedOut, 1, 1),
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, t.TempDir(), feedTopics...)
			p := producer(t, s.Addr())
			s.Cluster().Fault(fault)
			if err := p.Produce(testkit.Context(t), keyed(40)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestProducerReportsThePartitionThatFails(t *testing.T) {
	s := start(t, t.TempDir(), feedTopics...)
	p := producer(t, s.Addr())
	s.Cluster().Fault(produceFault(kerr.NotEnoughReplicas, -1, 2))
	messages := keyed(40)
	err := p.Produce(testkit.Context(t), messages)
	var failed *kafka.ProduceError
	if !errors.As(err, &failed) {
		t.Fatalf("error = %v", err)
	}
	failedAt := map[int]bool{}
	for _, f := range failed.Failures {
		if f.Partition != 2 {
			t.Errorf("failure = %+v, want passing ones of partition 2", f)
		}
		failedAt[f.Index] = true
	}
	acknowledged := len(messages) - len(failed.Failures)
	if acknowledged == 0 || len(failed.Failures) == 0 {
		t.Fatalf("%d of %d acknowledged", acknowledged, len(messages))
	}
	got := map[string]bool{}
	for _, value := range values(t, s, "feed-records", acknowledged) {
		got[value] = true
	}
	for i, m := range messages {
		if got[string(m.Value)] == failedAt[i] {
			t.Errorf("message %d: in the log %v, reported as failed %v", i, got[string(m.Value)], failedAt[i])
		}
	}
}

// TestProducerOutlivesItsConnections: after a freeze the connections are dead and nobody has noticed.
func TestProducerOutlivesItsConnections(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, feedTopics...)
	addr := s.Addr()
	p := producer(t, addr)
	if err := p.Produce(testkit.Context(t), keyed(8)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Produce(testkit.Context(t), keyed(8)); err == nil {
		t.Fatal("acknowledged while the broker was down")
	}
	again, err := embedded.Start(embedded.Options{Addr: addr, Dir: dir, Topics: feedTopics})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { again.Close() })
	if err := p.Produce(testkit.Context(t), keyed(8)); err != nil {
		t.Errorf("the broker is back: %v", err)
	}
}

// TestProducerLeavesASilentBroker: a broker that takes connections and never answers.
func TestProducerLeavesASilentBroker(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	err = producer(t, silent.Addr().String()).Produce(ctx, keyed(1))
	if err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("error = %v after %s", err, time.Since(began))
	}
}
