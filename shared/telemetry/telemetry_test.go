package telemetry_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"feedstream/shared/telemetry"
	"feedstream/shared/telemetry/telemetrytest"
	"feedstream/shared/testkit"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// clock is one that is set by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func started(t testing.TB, endpoint string) (*telemetry.Telemetry, *clock) {
	t.Helper()
	c := &clock{at: noon}
	return testkit.Must(telemetry.New(t.Context(), telemetry.Config{
		Endpoint: endpoint, Function: "feed-enrich", Version: "7", Instance: "c-1", Region: "cn-hangzhou", Account: "1",
		MemoryMB: 1024, FlushTime: time.Minute, Now: c.now, Logger: testkit.Quiet(),
	}))(t), c
}

func aPush() telemetry.Push {
	return telemetry.Push{RequestID: "r", Began: noon, Ended: noon.Add(time.Second), Topic: "feed-updates", Events: 1, Enriched: 1,
		Phases: []telemetry.Phase{{Name: "decode", Began: noon, Ended: noon.Add(time.Second)}}}
}

func TestWithoutAnEndpointThereIsNothing(t *testing.T) {
	off, err := telemetry.New(t.Context(), telemetry.Config{})
	if off != nil || err != nil {
		t.Fatalf("New = %v, %v", off, err)
	}
	off.Push(t.Context(), aPush())
	invoke := func(context.Context, []byte) ([]byte, error) { return []byte("answer"), nil }
	if allocs := testing.AllocsPerRun(100, func() { off.Push(context.Background(), telemetry.Push{}) }); allocs != 0 {
		t.Errorf("telling costs %v allocations", allocs)
	}
	if answer, err := off.Flushing(invoke)(t.Context(), nil); string(answer) != "answer" || err != nil {
		t.Errorf("answer %q, %v", answer, err)
	}
}

// Of pushes that run side by side the last one sends what all of them told.
func TestPushesSideBySideFlushOnce(t *testing.T) {
	collector := telemetrytest.Start(t)
	told, clock := started(t, collector.URL)
	const pushes = 8
	var entered, left sync.WaitGroup
	leave := make([]chan struct{}, pushes)
	entered.Add(pushes)
	ended := make(chan struct{})
	for i := range pushes {
		leave[i] = make(chan struct{})
		left.Go(func() {
			_, _ = told.Flushing(func(ctx context.Context, _ []byte) ([]byte, error) {
				entered.Done()
				<-leave[i]
				told.Push(ctx, aPush())
				return nil, nil
			})(t.Context(), nil)
			ended <- struct{}{}
		})
	}
	entered.Wait()
	for i := range pushes - 1 {
		close(leave[i])
		<-ended
	}
	if posts := collector.Posts(); posts != 0 {
		t.Errorf("%d posts while a push is still running", posts)
	}
	close(leave[pushes-1])
	<-ended
	left.Wait()
	if posts, spans := collector.Posts(), len(collector.Spans()); posts != 2 || spans != 2*pushes {
		t.Errorf("%d posts with %d spans, want one of traces and one of metrics, with %d", posts, spans, 2*pushes)
	}

	// Without an end of the overlap they leave after a while.
	hold, held := make(chan struct{}), make(chan struct{})
	left.Go(func() {
		_, _ = told.Flushing(func(context.Context, []byte) ([]byte, error) { close(held); <-hold; return nil, nil })(t.Context(), nil)
	})
	<-held
	clock.advance(5 * time.Second)
	_, _ = told.Flushing(func(ctx context.Context, _ []byte) ([]byte, error) { told.Push(ctx, aPush()); return nil, nil })(t.Context(), nil)
	if posts := collector.Posts(); posts != 4 {
		t.Errorf("%d posts after five seconds beside a push that does not end, want 4", posts)
	}
	close(hold)
	left.Wait()
}

// The sums that a flush sends are those since the flush before.
func TestMetricsAreDifferences(t *testing.T) {
	collector := telemetrytest.Start(t)
	told, _ := started(t, collector.URL)
	push := told.Flushing(func(ctx context.Context, _ []byte) ([]byte, error) { told.Push(ctx, aPush()); return nil, nil })
	for range 3 {
		_, _ = push(t.Context(), nil)
	}
	found := 0
	for _, m := range collector.Metrics() {
		if m.GetName() != "faas.invocations" {
			continue
		}
		found++
		if point := m.GetSum().GetDataPoints()[0]; point.GetAsInt() != 1 || m.GetSum().GetAggregationTemporality().String() != "AGGREGATION_TEMPORALITY_DELTA" {
			t.Errorf("a point of %d, %s", point.GetAsInt(), m.GetSum().GetAggregationTemporality())
		}
	}
	if found != 3 {
		t.Errorf("the counter came %d times", found)
	}
}

// A connection that died while the instance was frozen costs nothing of what is told.
func TestADeadConnectionIsReplaced(t *testing.T) {
	collector := telemetrytest.Start(t)
	told, _ := started(t, collector.URL)
	push := told.Flushing(func(ctx context.Context, _ []byte) ([]byte, error) { told.Push(ctx, aPush()); return nil, nil })
	for n := range 20 {
		_, _ = push(t.Context(), nil)
		if spans := len(collector.Spans()); spans != 2*(n+1) {
			t.Fatalf("%d spans after %d pushes", spans, n+1)
		}
		collector.Disconnect()
	}
}

// A collector that refuses changes no outcome, and is left alone for a while.
func TestACollectorThatTakesNothing(t *testing.T) {
	var posts atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		posts.Add(1)
		http.Error(w, "who are you?", http.StatusUnauthorized)
	}))
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	told, clock := started(t, server.URL)
	broken := errors.New("broken")
	push := told.Flushing(func(ctx context.Context, _ []byte) ([]byte, error) {
		told.Push(ctx, aPush())
		return []byte("answer"), broken
	})
	try := func(want int32) {
		t.Helper()
		if answer, err := push(t.Context(), nil); string(answer) != "answer" || !errors.Is(err, broken) {
			t.Errorf("answer %q, %v", answer, err)
		}
		if got := posts.Load(); got != want {
			t.Errorf("%d posts, want %d", got, want)
		}
	}
	try(2)
	try(2)
	clock.advance(30 * time.Second)
	try(4)
}

// One that does not answer takes no more of a push than the bound.
func TestACollectorThatDoesNotAnswer(t *testing.T) {
	stuck := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stuck }))
	defer server.Close()
	defer close(stuck)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	told := testkit.Must(telemetry.New(t.Context(), telemetry.Config{
		Endpoint: server.URL, FlushTime: time.Millisecond, Now: time.Now, Logger: testkit.Quiet(),
	}))(t)
	push := told.Flushing(func(ctx context.Context, _ []byte) ([]byte, error) {
		told.Push(ctx, aPush())
		return []byte("answer"), nil
	})
	if answer, err := push(t.Context(), nil); string(answer) != "answer" || err != nil {
		t.Errorf("answer %q, %v", answer, err)
	}
}

// BenchmarkFlush is what telling of a push and sending it costs, with a collector in the same machine. Off is
// the same without an endpoint.
func BenchmarkFlush(b *testing.B) {
	p := aPush()
	p.Phases = append(p.Phases, p.Phases[0], p.Phases[0], p.Phases[0], p.Phases[0], p.Phases[0], p.Phases[0])
	run := func(b *testing.B, told *telemetry.Telemetry) {
		push := told.Flushing(func(ctx context.Context, _ []byte) ([]byte, error) { told.Push(ctx, p); return nil, nil })
		b.ReportAllocs()
		for b.Loop() {
			_, _ = push(b.Context(), nil)
		}
	}
	b.Run("off", func(b *testing.B) { run(b, nil) })
	b.Run("on", func(b *testing.B) {
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		b.Cleanup(server.Close)
		b.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
		told, _ := started(b, server.URL)
		run(b, told)
	})
}
