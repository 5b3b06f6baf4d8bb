package platform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	fc "github.com/aliyun/fc-go-sdk"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/manifest"
)

// TestMain lets the test binary be the function that the platform runs.
func TestMain(m *testing.M) {
	if os.Getenv("FC_FUNCTION_NAME") == "" {
		os.Exit(m.Run())
	}
	_ = http.ListenAndServe("127.0.0.1:"+os.Getenv("FC_SERVER_PORT"), http.HandlerFunc(serveFunction))
}

// serveFunction appends the events it accepts to the file LEDGER and does what the file MODE says.
func serveFunction(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	mode, _ := os.ReadFile(os.Getenv("MODE"))
	switch {
	case r.URL.Path == "/moved":
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	case r.URL.Path != "/invoke":
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.URL.RequestURI(), r.Header.Get("x-fc-control-path"), r.Header.Get("X-Forwarded-For"))
	case string(mode) == "fail":
		w.Header().Set("x-fc-status", "404")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"errorMessage":"told to fail"}`)
	case string(mode) == "hang":
		_ = os.WriteFile(os.Getenv("MODE")+".hangs", nil, 0o600)
		<-r.Context().Done()
	default:
		ledger, _ := os.OpenFile(os.Getenv("LEDGER"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		_, _ = ledger.Write(append(body, '\n'))
		_ = ledger.Close()
		fmt.Printf("took %.20s\nFC Invoke End RequestId: %s\n", body, r.Header.Get("x-fc-request-id"))
		_, _ = io.WriteString(w, `"done"`)
	}
}

type testbed struct {
	*Platform
	client       *kgo.Client
	cluster      *kfake.Cluster
	ledger, mode string
}

func start(t *testing.T, change func(*manifest.Function)) *testbed {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "in"), kfake.SeedTopics(1, "dead"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	dir := t.TempDir()
	bed := &testbed{client: client, cluster: cluster, ledger: filepath.Join(dir, "ledger"), mode: filepath.Join(dir, "mode")}
	f := manifest.Function{
		Name: "feed-test", Command: []string{os.Args[0]}, CodeDir: dir, MemoryMB: 128, Timeout: 10 * time.Second, InstanceConcurrency: 4,
		Environment: map[string]string{"LEDGER": bed.ledger, "MODE": bed.mode},
		Streams: []manifest.Stream{{
			Name: "s", Enabled: true, Concurrency: 2, MaximumTasks: 2, TolerateErrors: true, Retry: manifest.ExponentialDecayRetry,
			DeadLetterTopic: "dead", BatchCount: 10, Topic: "in", Group: "g", InstanceID: "i",
		}},
		HTTP: []manifest.HTTPTrigger{{Name: "h", Methods: []string{"GET"}}},
	}
	if change != nil {
		change(&f)
	}
	bed.Platform, err = Start(Config{
		Manifest: &manifest.Manifest{Functions: []manifest.Function{f}}, Region: "cn-local", AccountID: "0",
		Credentials: Credentials{AccessKeyID: "id", AccessKeySecret: "secret"}, KafkaBrokers: cluster.ListenAddrs(),
		HTTPAddr: "127.0.0.1:0", APIAddr: "127.0.0.1:0", LogDir: dir, Logger: slog.New(slog.DiscardHandler), TimeScale: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bed.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return bed
}

func (b *testbed) behave(t *testing.T, mode string) {
	t.Helper()
	if err := os.WriteFile(b.mode, []byte(mode), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (b *testbed) produce(t *testing.T, perPartition int) map[int]int64 {
	t.Helper()
	ends := map[int]int64{}
	for partition := range 2 {
		for i := range perPartition {
			r := &kgo.Record{Topic: "in", Partition: int32(partition), Key: []byte("k"), Value: fmt.Appendf(nil, "v%d,1", i)}
			if err := b.client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		ends[partition] = int64(perPartition)
	}
	return ends
}

func (b *testbed) wait(t *testing.T, ends map[int]int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := b.WaitCommitted(ctx, "in", ends); err != nil {
		t.Fatalf("%v; status %+v", err, b.Status())
	}
}

// delivered reads the ledger: how often each event came, and the largest batch.
func (b *testbed) delivered(t *testing.T) (times map[string]int, largest int) {
	t.Helper()
	content, err := os.ReadFile(b.ledger)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	times = map[string]int{}
	for line := range strings.Lines(string(content)) {
		var events []struct {
			Data struct {
				Partition int
				Offset    int64
			}
		}
		if err := json.Unmarshal([]byte(line), &events); err != nil {
			t.Fatal(err)
		}
		largest = max(largest, len(events))
		for _, e := range events {
			times[fmt.Sprintf("%d/%d", e.Data.Partition, e.Data.Offset)]++
		}
	}
	return times, largest
}

func TestStreamDeliversEveryRecordInBoundedBatches(t *testing.T) {
	b := start(t, nil)
	ends := b.produce(t, 57)
	b.StartStreams()
	b.wait(t, ends)
	times, largest := b.delivered(t)
	if len(times) != 114 || largest > 10 {
		t.Errorf("%d events in batches of up to %d", len(times), largest)
	}
	for event, n := range times {
		if n != 1 {
			t.Errorf("event %s came %d times", event, n)
		}
	}
	if status := b.Status(); status.Streams[0].Lag != 0 || status.Functions[0].Errors != 0 {
		t.Errorf("status = %+v", status)
	}
}

func TestStreamRepeatsAFailedPushAndCommitsNothingBefore(t *testing.T) {
	b := start(t, nil)
	b.behave(t, "fail")
	ends := b.produce(t, 5)
	b.StartStreams()
	for b.Status().Functions[0].Errors < 3 { // the retries are what makes progress here
		time.Sleep(time.Millisecond)
	}
	if status := b.Status().Streams[0]; status.Lag != 10 || !strings.Contains(status.LastError, "told to fail") {
		t.Errorf("status = %+v", status)
	}
	b.behave(t, "")
	b.RetryNow()
	b.wait(t, ends)
	if times, _ := b.delivered(t); len(times) != 10 {
		t.Errorf("delivered %v", times)
	}
}

func TestStreamSetsAsideWhatItGaveUp(t *testing.T) {
	b := start(t, func(f *manifest.Function) { f.Streams[0].Retry = manifest.BackoffRetry })
	b.behave(t, "fail")
	ends := b.produce(t, 3)
	b.StartStreams()
	b.wait(t, ends)
	if got := b.Status().Streams[0].DeadLettered; got != 6 {
		t.Errorf("%d events are dead letters, want 6", got)
	}
	if got := b.Status().Functions[0].Invocations; got != 8 {
		t.Errorf("%d invocations, want 2 pushes tried 4 times each", got)
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.ConsumeTopics("dead"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var letter struct {
		SpecVersion string
		Data        struct{ Topic, Key, Value string }
	}
	records := reader.PollFetches(t.Context()).Records()
	if len(records) == 0 {
		t.Fatal("the dead-letter topic is empty")
	}
	if err := json.Unmarshal(records[0].Value, &letter); err != nil {
		t.Fatal(err)
	}
	if letter.SpecVersion != "1.0" || letter.Data.Topic != "in" || letter.Data.Key != "k" || letter.Data.Value != "v0,1" {
		t.Errorf("letter = %+v", letter)
	}
}

func TestTimeoutKillsTheInstance(t *testing.T) {
	b := start(t, func(f *manifest.Function) { f.Timeout = 300 * time.Millisecond })
	b.behave(t, "hang")
	if _, err := b.Invoke(t.Context(), "feed-test", []byte("[]")); err == nil || !strings.Contains(err.Error(), "timeout of 300ms") {
		t.Fatalf("error = %v", err)
	}
	b.behave(t, "")
	if answer, err := b.Invoke(t.Context(), "feed-test", []byte("[]")); err != nil || string(answer) != `"done"` {
		t.Errorf("the next invocation: %s, %v", answer, err)
	}
}

// No page that a foreign name leads here reaches a function.
func TestForeignHostsAreRefused(t *testing.T) {
	b := start(t, nil)
	for _, addr := range []string{b.HTTPAddr(), b.APIAddr()} {
		request, err := http.NewRequest(http.MethodGet, "http://"+addr+"/feed-test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "rebind.example"
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("status %d, want 421", response.StatusCode)
		}
	}
}

func TestHTTPTrigger(t *testing.T) {
	b := start(t, nil)
	client, err := fc.NewClient("http://"+b.HTTPAddr(), "2016-08-15", "id", "secret", fc.WithTimeout(10))
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodGet, "http://"+b.HTTPAddr()+"/feed-test/stocks/x?limit=3", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.DoHttpRequest(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(body); got != "GET /stocks/x?limit=3 /http-invoke 127.0.0.1" {
		t.Errorf("the function saw %q", got)
	}
	for _, test := range []struct {
		method, path string
		status       int
	}{{"GET", "/feed-test/", 403}, {"POST", "/feed-test/", 405}, {"GET", "/nobody/", 404}} {
		request, err := http.NewRequest(test.method, "http://"+b.HTTPAddr()+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != test.status {
			t.Errorf("%s %s = %d, want %d", test.method, test.path, response.StatusCode, test.status)
		}
	}
}

func TestInvocationThroughTheSDK(t *testing.T) {
	b := start(t, nil)
	invoke := func(secret, function string) (*fc.InvokeFunctionOutput, error) {
		client, err := fc.NewClient("http://"+b.APIAddr(), "2016-08-15", "id", secret, fc.WithTimeout(10))
		if err != nil {
			t.Fatal(err)
		}
		return client.InvokeFunction(fc.NewInvokeFunctionInput("feedstream", function).WithPayload([]byte("[]")))
	}
	output, err := invoke("secret", "feed-test")
	if err != nil || string(output.Payload) != `"done"` || output.GetErrorType() != "" {
		t.Errorf("output = %+v, %v", output, err)
	}
	b.behave(t, "fail")
	output, err = invoke("secret", "feed-test")
	if err != nil || output.GetErrorType() != "UnhandledInvocationError" || !strings.Contains(string(output.Payload), "told to fail") {
		t.Errorf("output = %+v, %v", output, err)
	}
	if _, err := invoke("guess", "feed-test"); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("wrong secret: %v", err)
	}
	if _, err := invoke("secret", "nobody"); err == nil || !strings.Contains(err.Error(), "FunctionNotFound") {
		t.Errorf("unknown function: %v", err)
	}
}
