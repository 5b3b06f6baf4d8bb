package platform

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	fc "github.com/aliyun/fc-go-sdk"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/manifest"
	"feedstream/local/platform/stream"
	"feedstream/shared/testkit"
)

// eventually waits for a condition that nothing announces.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never came: %s", what)
		}
	}
}

func TestWaitCommittedSeesWhatAnEarlierRunCommitted(t *testing.T) {
	b := start(t, nil)
	b.StartStreams()
	ends := b.produce(t, 5)
	b.wait(t, ends)
	for range 2 { // the second does nothing
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	cfg := b.cfg
	again, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close(context.Background()) })
	again.StartStreams()
	(&testbed{Platform: again}).wait(t, ends)
	if n := again.Status().Functions[0].Invocations; n != 0 {
		t.Errorf("%d invocations for records that were committed", n)
	}
}

func TestStartFailureSaysWhatTheProcessPrinted(t *testing.T) {
	b := start(t, func(f *manifest.Function) {
		f.Command = []string{"/bin/sh", "-c", "echo KAFKA_BROKERS is missing >&2; exit 3"}
	})
	_, err := b.Invoke(t.Context(), "feed-test", []byte("[]"))
	if err == nil || !strings.Contains(err.Error(), "KAFKA_BROKERS is missing") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("err = %v", err)
	}
}

func TestAsynchronousInvocationIsRepeated(t *testing.T) {
	b := start(t, func(f *manifest.Function) { f.AsyncRetries = 100 })
	client, err := fc.NewClient("http://"+b.APIAddr(), "2016-08-15", "id", "secret", fc.WithTimeout(10))
	if err != nil {
		t.Fatal(err)
	}
	b.behave(t, "fail")
	input := fc.NewInvokeFunctionInput("feedstream", "feed-test").WithPayload([]byte("[]")).WithAsyncInvocation()
	if output, err := client.InvokeFunction(input); err != nil || output.GetErrorType() != "" {
		t.Fatalf("output = %+v, %v", output, err)
	}
	eventually(t, "a failed try", func() bool { return b.Status().Functions[0].Errors > 0 })
	b.behave(t, "")
	eventually(t, "the event", func() bool {
		ledger, _ := os.ReadFile(b.ledger) // absent until then
		return string(ledger) == "[]\n"
	})
	input.WithPayload(make([]byte, maxAsyncBody+1))
	if _, err := client.InvokeFunction(input); err == nil || !strings.Contains(err.Error(), "PayloadTooLarge") {
		t.Errorf("too large an event: %v", err)
	}
}

func TestHTTPTriggerPassesThrough(t *testing.T) {
	b := start(t, func(f *manifest.Function) {
		f.HTTP[0] = manifest.HTTPTrigger{Name: "h", Anonymous: true, Methods: []string{"GET", "POST"}}
	})
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	request, err := http.NewRequest(http.MethodGet, "http://"+b.HTTPAddr()+"/feed-test/moved", nil)
	if err != nil {
		t.Fatal(err)
	}
	moved, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = moved.Body.Close()
	if moved.StatusCode != http.StatusFound || moved.Header.Get("Location") != "/feed-test/elsewhere" {
		t.Errorf("redirect came as %d to %q", moved.StatusCode, moved.Header.Get("Location"))
	}

	request.URL.Path = "/feed-test/x"
	request.Header.Set("X-Forwarded-For", "10.0.0.1")
	forwarded, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer forwarded.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(forwarded.Body); err != nil || !strings.HasSuffix(text.String(), " 10.0.0.1, 127.0.0.1") {
		t.Errorf("forwarded as %q, %v", text.String(), err)
	}

	large, err := client.Post(request.URL.String(), "text/plain", bytes.NewReader(make([]byte, stream.MaxBody+1)))
	if err != nil {
		t.Fatal(err)
	}
	_ = large.Body.Close()
	if large.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("33554433 bytes answered with %d", large.StatusCode)
	}
}

func TestCloseCutsOffAPushThatOverruns(t *testing.T) {
	b := start(t, func(f *manifest.Function) { f.Timeout = time.Minute })
	b.behave(t, "hang")
	b.StartStreams()
	b.produce(t, 1)
	eventually(t, "a running push", func() bool {
		_, err := os.Stat(b.mode + ".hangs")
		return err == nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := b.Close(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("closing took %s", took)
	}
}

func TestKafkaOutageIsLoggedOnceAndPasses(t *testing.T) {
	log := &testkit.Log{}
	dir := kfake.DataDir(t.TempDir()) // a restarted broker knows its topics by their old ids
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), dir, kfake.SeedTopics(2, "in"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cluster.Close() })
	addr := cluster.ListenAddrs()[0]
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	cfg := start(t, nil).cfg
	cfg.KafkaBrokers = []string{addr}
	cfg.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	p, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(context.Background()) })
	b := &testbed{Platform: p, client: client}
	p.StartStreams()
	b.wait(t, b.produce(t, 1))

	cluster.Close()
	last := func() string { return p.Status().Streams[0].LastError }
	eventually(t, "an error", func() bool { return strings.Contains(last(), addr) })
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	if cluster, err = kfake.NewCluster(kfake.NumBrokers(1), dir, kfake.Ports(number)); err != nil {
		t.Fatal(err)
	}
	ends := b.produce(t, 3)
	for partition := range ends {
		ends[partition]++ // the record before the outage
	}
	b.wait(t, ends)
	if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), addr) {
		t.Errorf("the outage gave these lines, want one naming %s:\n%s", addr, log.String())
	}
	eventually(t, "the end of the error", func() bool { return last() == "" })
}
