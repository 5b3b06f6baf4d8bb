package stream

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"feedstream/local/platform/manifest"
	"feedstream/shared/testkit"
)

// bed is a broker and what a stream on it pushes and tells.
type bed struct {
	cluster *kfake.Cluster
	client  *kgo.Client
	log     testkit.Log
}

func newBed(t *testing.T) *bed {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "in"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	b := &bed{cluster: cluster}
	b.client = b.connect(t)
	return b
}

func (b *bed) connect(t *testing.T, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// start begins a stream; end stops it as the platform does, and is called in the end if not before.
func (b *bed) start(t *testing.T, invoke func(ctx context.Context, body []byte) error,
	change ...func(*manifest.Stream)) (s *Stream, end func()) {
	t.Helper()
	declared := manifest.Stream{
		Concurrency: 2, MaximumTasks: 2, TolerateErrors: true, Retry: manifest.ExponentialDecayRetry,
		BatchCount: 10, Topic: "in", Group: "g", InstanceID: "i",
	}
	for _, f := range change {
		f(&declared)
	}
	s = Start(Config{
		Brokers: b.cluster.ListenAddrs(), TimeScale: 1000, Function: "f", Invoke: invoke,
		Logger:  slog.New(slog.NewTextHandler(&b.log, nil)),
		Options: []kgo.Opt{kgo.MetadataMinAge(100 * time.Millisecond), kgo.MetadataMaxAge(time.Second)},
	}, declared)
	end = sync.OnceFunc(func() {
		s.Stop()
		s.Wait()
		if err := s.Leave(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return s, end
}

func accept(context.Context, []byte) error { return nil }

func (b *bed) produce(t *testing.T, client *kgo.Client, partition int32, n int) {
	t.Helper()
	for i := range n {
		r := &kgo.Record{Topic: "in", Partition: partition, Value: fmt.Appendf(nil, "v%d", i)}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// eventually waits for a condition that nothing announces.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never came: %s", what)
		}
	}
}

func committed(t *testing.T, s *Stream, offsets map[int]int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.WaitCommitted(ctx, offsets); err != nil {
		t.Fatalf("%v; status %+v", err, s.Status())
	}
}

// fetched answers a fetch: with nothing but what is made of each partition.
func fetched(request kmsg.Request, of func(*kmsg.FetchResponseTopicPartition)) kmsg.Response {
	response := request.ResponseKind().(*kmsg.FetchResponse)
	response.Version = request.GetVersion()
	for _, topic := range request.(*kmsg.FetchRequest).Topics {
		answer := kmsg.NewFetchResponseTopic()
		answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
		for _, partition := range topic.Partitions {
			p := kmsg.NewFetchResponseTopicPartition()
			p.Partition = partition.Partition
			of(&p)
			answer.Partitions = append(answer.Partitions, p)
		}
		response.Topics = append(response.Topics, answer)
	}
	return response
}

// A poll that fails at once, every time, neither spins nor floods the log; records end the outage.
func TestFailedPollsPauseAndAreToldOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	var mu sync.Mutex
	var times []time.Time
	failing := true
	b.cluster.ControlKey(int16(kmsg.Fetch), func(request kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		if !failing {
			return nil, nil, false
		}
		if request.(*kmsg.FetchRequest).MaxBytes != watchBytes { // not one that looks at the topic
			times = append(times, time.Now())
		}
		return fetched(request, func(p *kmsg.FetchResponseTopicPartition) {
			p.ErrorCode = kerr.TopicAuthorizationFailed.Code
		}), nil, true
	})
	s, _ := b.start(t, accept)
	b.produce(t, b.client, 0, 1)
	b.produce(t, b.client, 1, 1)
	eventually(t, "four fetches", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(times) >= 4
	})
	eventually(t, "the lag of what cannot be fetched", func() bool { return s.Status().Lag == 2 })
	mu.Lock()
	if took := times[3].Sub(times[1]); took < failedPoll*9/10 { // the first of them is noted a little late
		t.Errorf("three fetches that failed came within %s", took)
	}
	failing = false
	mu.Unlock()
	if lines := strings.Count(b.log.String(), "\n"); lines != 1 {
		t.Errorf("want one line:\n%s", b.log.String())
	}
	committed(t, s, map[int]int64{0: 1, 1: 1})
	eventually(t, "the end of the outage", func() bool { return s.Status().LastError == "" })
	if lines := strings.Count(b.log.String(), "\n"); lines != 2 || !strings.Contains(b.log.String(), "answers again") {
		t.Errorf("want two lines:\n%s", b.log.String())
	}
}

// The seed brokers answer, and so do the partitions' leaders: it is the group that cannot be joined.
func TestAnOutageIsOverWhenWhatFailedSucceeds(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	var mu sync.Mutex
	joins, failing := 0, true
	b.cluster.ControlKey(int16(kmsg.JoinGroup), func(request kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		if !failing {
			return nil, nil, false
		}
		joins++
		response := request.ResponseKind().(*kmsg.JoinGroupResponse)
		response.Version, response.ErrorCode = request.GetVersion(), kerr.GroupAuthorizationFailed.Code
		return response, nil, true
	})
	s, _ := b.start(t, accept)
	b.produce(t, b.client, 0, 1)
	eventually(t, "four tries", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return joins >= 4
	})
	if lines := strings.Count(b.log.String(), "\n"); lines != 1 || !strings.Contains(b.log.String(), "GROUP_AUTHORIZATION_FAILED") {
		t.Errorf("want one line:\n%s", b.log.String())
	}
	mu.Lock()
	failing = false
	mu.Unlock()
	committed(t, s, map[int]int64{0: 1})
	eventually(t, "the end of the outage", func() bool { return s.Status().LastError == "" })
	if lines := strings.Count(b.log.String(), "\n"); lines != 2 {
		t.Errorf("want two lines:\n%s", b.log.String())
	}
}
