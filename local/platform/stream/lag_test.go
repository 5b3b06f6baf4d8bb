package stream

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ends are the end offsets of the topic.
func (b *bed) ends(t *testing.T) map[int]int64 {
	t.Helper()
	listed, err := byPartition(kadm.NewClient(b.client).ListEndOffsets(t.Context(), "in"))
	if err != nil {
		t.Fatal(err)
	}
	ends := map[int]int64{}
	for partition, end := range listed {
		ends[int(partition)] = end
	}
	return ends
}

// caughtUp waits until all that is deliverable has its verdict, as the offsets say.
func (b *bed) caughtUp(t *testing.T, s *Stream) {
	t.Helper()
	committed(t, s, b.ends(t))
	eventually(t, "a lag of 0", func() bool { return s.Status().Lag == 0 })
}

// A partition may end in the mark of a transaction, committed or aborted: nobody waits for that.
func TestNoLagBehindTheMarkOfATransaction(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	var pushes atomic.Int64
	count := func(context.Context, []byte) error { pushes.Add(1); return nil }
	producer := b.connect(t, kgo.TransactionalID("t"))
	transact := func(end kgo.TransactionEndTry) {
		t.Helper()
		if err := producer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		b.produce(t, producer, 0, 3)
		if err := producer.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	transact(kgo.TryCommit)
	if end := b.ends(t)[0]; end != 4 {
		t.Fatalf("the partition ends at %d, want 4: three records and a mark", end)
	}
	s, end := b.start(t, count)
	b.caughtUp(t, s)
	transact(kgo.TryAbort)
	b.caughtUp(t, s)
	transact(kgo.TryCommit)
	b.caughtUp(t, s)
	end()

	before := pushes.Load()
	again, _ := b.start(t, count)
	b.caughtUp(t, again)
	if n := pushes.Load() - before; n != 0 {
		t.Errorf("%d pushes after the restart", n)
	}
}

// A partition was emptied before anything of it was committed.
func TestNoLagInAnEmptiedPartition(t *testing.T) {
	b := newBed(t)
	b.produce(t, b.client, 0, 5)
	b.produce(t, b.client, 1, 1)
	purge := kadm.Offsets{}
	purge.Add(kadm.Offset{Topic: "in", Partition: 0, At: 5})
	deleted, err := kadm.NewClient(b.client).DeleteRecords(t.Context(), purge)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	s, end := b.start(t, accept)
	b.caughtUp(t, s)
	end()
	again, _ := b.start(t, accept)
	b.caughtUp(t, again)
}

// Compaction left nothing up to the end: the broker answers every fetch with nothing.
func TestNoLagBehindACompactedHole(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.produce(t, b.client, 0, 7)
	b.cluster.ControlKey(int16(kmsg.Fetch), func(request kmsg.Request) (kmsg.Response, error, bool) {
		b.cluster.KeepControl()
		return fetched(request, func(p *kmsg.FetchResponseTopicPartition) {
			if p.Partition == 0 {
				p.HighWatermark = 7
			}
		}), nil, true
	})
	s, _ := b.start(t, accept)
	b.caughtUp(t, s)
}

// While a push fails, neither the look at the topic nor a purge moves what is committed past its records.
func TestLagWhileAPushFails(t *testing.T) {
	b := newBed(t)
	var fail atomic.Bool
	var pushes atomic.Int64
	fail.Store(true)
	s, _ := b.start(t, func(context.Context, []byte) error {
		pushes.Add(1)
		if fail.Load() {
			return context.DeadlineExceeded
		}
		return nil
	})
	b.produce(t, b.client, 0, 5)
	eventually(t, "failed pushes", func() bool { return pushes.Load() > 3 })
	eventually(t, "the lag", func() bool { return s.Status().Lag == 5 })
	s.look()
	if lag := s.Status().Lag; lag != 5 {
		t.Errorf("lag = %d while nothing is delivered, want 5", lag)
	}
	fail.Store(false)
	s.RetryNow()
	b.caughtUp(t, s)
}

// The topic is deleted and made again: its records are delivered, and lag and commits are those of the new one.
func TestATopicMadeAgainIsTakenUp(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	var pushes atomic.Int64
	s, _ := b.start(t, func(context.Context, []byte) error { pushes.Add(1); return nil })
	b.produce(t, b.client, 0, 20)
	b.caughtUp(t, s)
	admin := kadm.NewClient(b.client)
	if _, err := admin.DeleteTopic(t.Context(), "in"); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.CreateTopic(t.Context(), 2, 1, nil, "in"); err != nil {
		t.Fatal(err)
	}
	before := pushes.Load()
	b.produce(t, b.connect(t), 0, 3)
	eventually(t, "a push of the new topic", func() bool { return pushes.Load() > before })
	eventually(t, "a lag of 0", func() bool { return s.Status().Lag == 0 })
	offsets, err := admin.FetchOffsets(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := offsets.Lookup("in", 0); got.At != 3 {
		t.Errorf("committed is %d, want 3", got.At)
	}
	if lines := strings.Count(b.log.String(), "level=WARN"); lines > 1 {
		t.Errorf("want one warning at most:\n%s", b.log.String())
	}
}

// What a group has committed beyond the end is of another topic: everything that is there has its verdict to come.
func TestAGroupBeyondTheEndBeginsAnew(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.produce(t, b.client, 0, 3)
	committed := kadm.Offsets{}
	committed.AddOffset("in", 0, 61, -1)
	if err := kadm.NewClient(b.client).CommitAllOffsets(t.Context(), "g", committed); err != nil {
		t.Fatal(err)
	}
	var pushes atomic.Int64
	var open atomic.Bool
	s, _ := b.start(t, func(context.Context, []byte) error {
		if !open.Load() {
			return context.DeadlineExceeded
		}
		pushes.Add(1)
		return nil
	})
	eventually(t, "the lag", func() bool { return s.Status().Lag == 3 })
	open.Store(true)
	s.RetryNow()
	b.caughtUp(t, s)
	if pushes.Load() == 0 {
		t.Error("nothing was pushed")
	}
	if !strings.Contains(b.log.String(), "committed=61") {
		t.Errorf("the log does not tell of it:\n%s", b.log.String())
	}
}
