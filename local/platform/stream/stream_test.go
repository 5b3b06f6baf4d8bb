package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"feedstream/local/platform/manifest"
)

// bed is a broker with a topic "in", and what was pushed from it.
type bed struct {
	cluster *kfake.Cluster
	client  *kgo.Client
	log     lockedBuffer

	mu     sync.Mutex
	pushed int // events
	fail   error
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func newBed(t *testing.T, partitions int) *bed {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(int32(partitions), "in"))
	must(t, err)
	t.Cleanup(cluster.Close)
	b := &bed{cluster: cluster}
	b.client, err = kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, err)
	t.Cleanup(b.client.Close)
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bed) start(t *testing.T) *Stream {
	t.Helper()
	s, err := Start(Config{
		Declared: manifest.Stream{
			Concurrency: 2, MaximumTasks: 2, TolerateErrors: true, Retry: manifest.ExponentialDecayRetry, BatchCount: 10,
			Topic: "in", Group: "g",
		},
		Function: "f", Brokers: b.cluster.ListenAddrs(), TimeScale: 1000, Logger: slog.New(slog.NewTextHandler(&b.log, nil)), Invoke: b.invoke,
	})
	must(t, err)
	t.Cleanup(func() { b.stop(t, s) })
	return s
}

func (b *bed) stop(t *testing.T, s *Stream) {
	s.Stop()
	s.Wait()
	if err := s.Leave(); err != nil && !errors.Is(err, kgo.ErrClientClosed) {
		t.Error(err)
	}
}

func (b *bed) invoke(_ context.Context, body []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail == nil {
		b.pushed += bytes.Count(body, []byte(`"specversion"`))
	}
	return b.fail
}

func (b *bed) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pushed
}

func (b *bed) produce(t *testing.T, partition int32, n int) {
	t.Helper()
	for i := range n {
		must(t, b.client.ProduceSync(t.Context(), &kgo.Record{Topic: "in", Partition: partition, Value: fmt.Appendf(nil, "v%d,1", i)}).FirstErr())
	}
}

func (b *bed) ends(t *testing.T) map[int]int64 {
	t.Helper()
	listed, err := kadm.NewClient(b.client).ListEndOffsets(t.Context(), "in")
	must(t, err)
	ends := map[int]int64{}
	listed.Each(func(o kadm.ListedOffset) { ends[int(o.Partition)] = o.Offset })
	return ends
}

// settles waits for the verdict of everything, and finds no lag then.
func (b *bed) settles(t *testing.T, s *Stream) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.WaitCommitted(ctx, b.ends(t)); err != nil {
		t.Fatalf("%v; status %+v", err, s.Status())
	}
	if status := s.Status(); status.Lag != 0 {
		t.Errorf("all is done and the lag is %d", status.Lag)
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never came: %s", what)
		}
	}
}

// Transaction marks have offsets and are no records: a partition that ends in one is done when its records are,
// at once and for a stream that starts later.
func TestTransactionMarksAreNoRecords(t *testing.T) {
	b := newBed(t, 2)
	producer, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.TransactionalID("t"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(t, err)
	defer producer.Close()
	for _, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit} {
		must(t, producer.BeginTransaction())
		for partition := range int32(2) {
			must(t, producer.ProduceSync(t.Context(), &kgo.Record{Topic: "in", Partition: partition, Value: []byte("v,1")}).FirstErr())
		}
		must(t, producer.EndTransaction(t.Context(), commit))
	}
	s := b.start(t)
	b.settles(t, s)
	if b.count() != 6 {
		t.Errorf("%d events were pushed, want the 6 records", b.count())
	}
	b.stop(t, s)
	again := b.start(t)
	b.settles(t, again)
	if b.count() != 6 {
		t.Errorf("after a restart %d events were pushed", b.count())
	}
}

// A partition that was emptied while nothing of it was committed holds nothing to wait for.
func TestAnEmptiedPartitionIsDone(t *testing.T) {
	b := newBed(t, 2)
	b.produce(t, 0, 5)
	b.produce(t, 1, 5)
	deleted := kadm.Offsets{}
	deleted.AddOffset("in", 0, 5, -1)
	deleted.AddOffset("in", 1, 3, -1)
	_, err := kadm.NewClient(b.client).DeleteRecords(t.Context(), deleted)
	must(t, err)
	s := b.start(t)
	b.settles(t, s)
	if b.count() != 2 {
		t.Errorf("%d events were pushed, want the 2 that are left", b.count())
	}
}

// An outage is reported once, however often the fetch fails, and is over when work succeeds again; that the
// broker answers questions meanwhile ends nothing.
func TestAnOutageIsOverWhenWorkSucceeds(t *testing.T) {
	b := newBed(t, 1)
	s := b.start(t)
	b.produce(t, 0, 1)
	b.settles(t, s)
	fetches := 0
	b.cluster.ControlKey(int16(kmsg.Fetch), func(request kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		fetches++
		response := request.ResponseKind().(*kmsg.FetchResponse)
		response.ErrorCode = kerr.UnknownServerError.Code
		return response, nil, true
	})
	b.cluster.ControlKey(int16(kmsg.ListOffsets), func(request kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		return nil, errors.New("the leader is out of reach"), true
	})
	eventually(t, "the outage", func() bool { return s.Status().LastError != "" })
	must(t, b.client.Ping(t.Context())) // the broker itself answers
	seen := s.Status().LastError
	for deadline := time.Now().Add(3 * silence); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if s.Status().LastError == "" {
			t.Fatalf("the outage %q was taken for over", seen)
		}
	}
	if lines := strings.Count(b.log.String(), "level=WARN"); lines != 1 || strings.Contains(b.log.String(), "works again") {
		t.Errorf("the outage gave\n%s", b.log.String())
	}
}

// fakeFetcher remembers which partitions are paused.
type fakeFetcher map[int32]bool

func (f fakeFetcher) pause(partitions ...int32) {
	for _, p := range partitions {
		f[p] = true
	}
}

func (f fakeFetcher) resume(partitions ...int32) {
	for _, p := range partitions {
		delete(f, p)
	}
}

// A partition that is given to a task which has stopped fetching is not fetched either, and goes on with it.
func TestAPartitionAssignedToAFullTaskWaits(t *testing.T) {
	paused := fakeFetcher{}
	b := &batcher{count: 1000, fetcher: paused, added: make(chan struct{}, 1)}
	b.assign(0)
	records := make([]*kgo.Record, bufferedRecords)
	for i := range records {
		records[i] = &kgo.Record{Offset: int64(i)}
	}
	b.add(records)
	b.assign(1)
	if !paused[0] || !paused[1] {
		t.Errorf("paused are %v", paused)
	}
	for b.ready(t.Context()) {
		if b.take(); len(b.buffer) < bufferedRecords/2 {
			break
		}
	}
	if len(paused) != 0 {
		t.Errorf("the task has room and paused are %v", paused)
	}
}
