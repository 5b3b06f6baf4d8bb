package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/manifest"
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
	full := int64(maxBody / len(value)) // as many as fit
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
	again, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close(context.Background()) })
	again.StartStreams()
	eventually(t, "the lag", func() bool { return again.Status().Streams[0].Lag == 10 })
}

func TestLogFileKeepsOneBeforeIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.log")
	var shown strings.Builder
	l := &logFile{path: path, prefix: "f", also: &shown, limit: 10}
	for i := range 5 {
		if _, err := fmt.Fprintf(l, "line %d\n", i); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	now, before := read(t, path), read(t, path+".1")
	if now != "line 4\n" || before != "line 2\nline 3\n" {
		t.Errorf("now %q, before %q", now, before)
	}
	if !strings.HasPrefix(shown.String(), "f | line 0\nf | line 1\n") {
		t.Errorf("shown %q", shown.String())
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// FuzzEvent proves that whatever a record holds, its event is JSON that gives key and value back.
func FuzzEvent(f *testing.F) {
	f.Add([]byte("192.168.2.17"), []byte("2318.HK,1605760851123"), []byte("0"))
	f.Add([]byte{0xff, 0}, []byte(`{"a": "\u0000"}`), []byte(nil))
	f.Add([]byte(`"`), []byte(`-`), []byte(`\`))
	f.Fuzz(func(t *testing.T, key, value, header []byte) {
		r := &kgo.Record{Topic: "in", Key: key, Value: value, Headers: []kgo.RecordHeader{{Key: string(header), Value: header}}}
		for _, rawData := range []bool{true, false} {
			body, taken := encoder{rawData: rawData}.push([]*kgo.Record{r})
			if taken != 1 || !json.Valid(body) {
				t.Fatalf("event %s", body)
			}
		}
		var data struct{ Key *string }
		if err := json.Unmarshal(encoder{}.data(nil, r), &data); err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(string(key), ""); key != nil && (data.Key == nil || strings.ReplaceAll(*data.Key, "\uFFFD", "") !=
			strings.ReplaceAll(want, "\uFFFD", "")) {
			t.Fatalf("key %q became %v", key, data.Key)
		}
	})
}
