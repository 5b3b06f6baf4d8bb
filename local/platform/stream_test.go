package platform

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/manifest"
	"feedstream/local/platform/stream"
)

// One task has all partitions: its pushes hold records of each, and each partition is committed.
func TestFewerTasksThanPartitionsShareThem(t *testing.T) {
	b := start(t, func(f *manifest.Function) {
		f.Streams[0].MaximumTasks, f.Streams[0].BatchCount = 1, 10_000
		f.Streams[0].BatchWindow = time.Second
	})
	ends := b.produce(t, 20)
	b.StartStreams()
	b.wait(t, ends)
	if times, largest := b.delivered(t); len(times) != 40 || largest <= 20 {
		t.Errorf("%d events in batches of up to %d: no batch holds both partitions", len(times), largest)
	}
}

func TestATaskOfItsOwnForEachPartition(t *testing.T) {
	b := start(t, func(f *manifest.Function) {
		f.Streams[0].MaximumTasks, f.Streams[0].BatchCount = 3, 10_000 // one more than there are partitions
		f.Streams[0].BatchWindow = time.Second
	})
	ends := b.produce(t, 20)
	b.StartStreams()
	b.wait(t, ends)
	content, err := os.ReadFile(b.ledger)
	if err != nil {
		t.Fatal(err)
	}
	for push := range strings.Lines(string(content)) {
		if strings.Contains(push, `"partition":0`) && strings.Contains(push, `"partition":1`) {
			t.Errorf("a push holds both partitions: %.200s", push)
		}
	}
}

// A batch whose body is full is pushed, though its count is not reached and its window is long.
func TestAFullBodyEndsABatch(t *testing.T) {
	b := start(t, func(f *manifest.Function) {
		f.Streams[0].BatchCount, f.Streams[0].BatchWindow = 10_000, time.Hour
	})
	const records = 40
	value := []byte(strings.Repeat("x", 900_000))
	for range records {
		if err := b.client.ProduceSync(t.Context(), &kgo.Record{Topic: "in", Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	b.StartStreams()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	full := int64(stream.MaxBody / len(value)) // as many as fit
	if err := b.WaitCommitted(ctx, "in", map[int]int64{0: full}); err != nil {
		t.Fatal(err)
	}
	if times, largest := b.delivered(t); len(times) != int(full) || largest != int(full) {
		t.Errorf("%d events in batches of up to %d, want one of %d", len(times), largest, full)
	}
}

// What an earlier run left behind counts as lag, though nothing new is fetched.
func TestLagAfterARestart(t *testing.T) {
	b := start(t, nil)
	b.behave(t, "fail")
	b.produce(t, 5)
	b.StartStreams()
	eventually(t, "a failed push", func() bool { return b.Status().Functions[0].Errors > 0 })
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg := b.cfg
	paused := *cfg.Manifest
	paused.Functions[0].Streams[0].BatchCount, paused.Functions[0].Streams[0].BatchWindow = 10_000, time.Hour
	cfg.Manifest = &paused
	again, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close(context.Background()) })
	again.StartStreams()
	eventually(t, "the lag", func() bool { return again.Status().Streams[0].Lag == 10 })
}
