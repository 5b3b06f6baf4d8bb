package bench_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/stream"
	"feedstream/local/services/hbase"
	"feedstream/local/services/kafka"
	"feedstream/local/services/oss"
	"feedstream/local/stack/stacktest"
	"feedstream/shared/feed"
	sharedoss "feedstream/shared/oss"
	"feedstream/shared/reference"
	"feedstream/shared/testkit"
)

// BenchmarkColdStart is the time from exec to the answer of feed-enrich to the first push, of one record:
// without a snapshot, which fails the push, and with one of 10 MB.
//
//	go test ./local/bench -run - -bench ColdStart
func BenchmarkColdStart(b *testing.B) {
	program := filepath.Join(filepath.Dir(stacktest.Manifest), "bin", "functions", "enrich", "enrich")
	for _, test := range []struct {
		name    string
		entries int
		status  int
	}{
		{"none", 0, http.StatusNotFound}, {"30", 30, http.StatusOK}, {"10MB", 130_000, http.StatusOK},
	} {
		b.Run("snapshot="+test.name, func(b *testing.B) {
			environment := services(b, test.entries)
			b.ResetTimer()
			for b.Loop() {
				if status := start(b, program, environment); status != test.status {
					b.Fatalf("the first push was answered with status %d, want %d", status, test.status)
				}
			}
		})
	}
}

// services starts what feed-enrich needs, with a snapshot of so many entries, and returns its environment.
func services(b *testing.B, entries int) []string {
	brokers := testkit.Must(kafka.Start(kafka.Options{Addr: "127.0.0.1:0", Dir: b.TempDir(),
		Topics: kafka.FeedTopics(kafka.Names{Input: "feed-updates", Output: "feed-records", Quarantine: "feed-quarantine", DeadLetter: "feed-deadletter"}, 4)}))(b)
	b.Cleanup(func() { _ = brokers.Close() })
	tables := testkit.Must(hbase.Start(hbase.Options{Dir: b.TempDir()}))(b)
	b.Cleanup(func() { _ = tables.Close() })
	objects := testkit.Must(oss.Start(oss.Options{Addr: "127.0.0.1:0", Dir: b.TempDir(), Region: "cn-local",
		AccessKeyID: "local", AccessKeySecret: "secret", Buckets: []string{"feed-reference"}}))(b)
	b.Cleanup(func() { _ = objects.Close() })
	if entries > 0 {
		announce(b, "http://"+objects.Addr(), entries)
	}
	return []string{
		"KAFKA_BROKERS=" + brokers.Addr(), "HBASE_ZOOKEEPER=" + tables.ZooKeeperAddr(), "OSS_ENDPOINT=http://" + objects.Addr(), "OSS_REGION=cn-local",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=local", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=secret", "LISTEN_HOST=127.0.0.1",
	}
}

func announce(b *testing.B, endpoint string, n int) {
	bucket := testkit.Must(sharedoss.New(sharedoss.Config{Endpoint: endpoint, Region: "cn-local", Bucket: "feed-reference"},
		func(context.Context) (sharedoss.Credentials, error) {
			return sharedoss.Credentials{AccessKeyID: "local", AccessKeySecret: "secret"}, nil
		}))(b)
	entries := make(map[string]feed.Entry, n)
	for i := range n {
		price := feed.Price(i * 100)
		entries[fmt.Sprintf("S%d", i)] = feed.Entry{Name: fmt.Sprintf("Company %d (Holdings) Public Limited", i), Price: &price}
	}
	announcer := reference.Announcer{Objects: bucket, Prefix: "stock/", Now: time.Now}
	if _, err := announcer.Announce(b.Context(), reference.Manifest{}, entries, reference.Source{}); err != nil {
		b.Fatal(err)
	}
}

// start runs the function until it has answered one push, and returns the status of the answer.
func start(b *testing.B, program string, environment []string) (status int) {
	b.StopTimer()
	port := freePort(b)
	body := stream.AppendEvent([]byte("["), &kgo.Record{
		Topic: "feed-updates", Key: []byte("192.168.2.17"), Value: []byte("S7,1605760851123"), Timestamp: time.Now(),
	}, false)
	function := exec.Command(program)
	function.Env = append(os.Environ(), append(environment, "FC_SERVER_PORT="+port)...)
	var printed strings.Builder
	function.Stdout, function.Stderr = &printed, &printed
	b.StartTimer()
	if err := function.Start(); err != nil {
		b.Fatal(err)
	}
	status, text := push(b, "127.0.0.1:"+port, string(body)+"]")
	b.StopTimer()
	_ = function.Process.Kill()
	_ = function.Wait() // it was killed
	if b.Failed() {
		b.Log(text, printed.String())
	}
	b.StartTimer()
	return status
}

// push knocks until the port answers, and pushes.
func push(b *testing.B, addr, body string) (status int, text string) {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Microsecond) {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Now().After(deadline) {
			b.Error("the function does not listen: ", err)
			return 0, ""
		}
	}
	response, err := http.Post("http://"+addr+"/invoke", "application/json", strings.NewReader(body))
	if err != nil {
		b.Error(err)
		return 0, ""
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		b.Error(err)
	}
	return response.StatusCode, string(answer)
}

func freePort(b *testing.B) string {
	listener := testkit.Must(net.Listen("tcp", "127.0.0.1:0"))(b)
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	return port
}
