package stack

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"feedstream/local/audit"
	"feedstream/local/simulate"
	"feedstream/local/stack/stacktest"
	"feedstream/local/target"
	"feedstream/shared/feed"
)

func TestMain(m *testing.M) { stacktest.Main(m) }

func testConfig(t *testing.T) Config {
	t.Helper()
	return Config{Manifest: stacktest.Manifest, Data: t.TempDir(), AnonymousHTTP: true}
}

// running starts a stack that ends with the test.
func running(t *testing.T) *Stack {
	t.Helper()
	return runningOn(t, testConfig(t))
}

func runningOn(t *testing.T, cfg Config) *Stack {
	t.Helper()
	s, err := Start(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// publishSome publishes 2,000 records.
func (s *Stack) publishSome(t *testing.T, seed uint64) {
	t.Helper()
	options, err := s.target.KafkaOptions()
	must(t, err)
	_, err = simulate.Run(t.Context(), simulate.Config{
		Brokers: s.target.Kafka.Brokers, Options: options, Topic: s.target.Names.Topics.Input, Records: 2000,
		Seed: seed, UnknownRatio: 0.05,
	})
	must(t, err)
}

// balances waits for the verdict of everything published and audits.
func (s *Stack) balances(t *testing.T, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	if err := s.Settle(ctx); err != nil {
		t.Fatalf("%v; status %+v", err, s.platform.Status())
	}
	report, err := audit.Feed(ctx, &s.target, audit.Bound{}, audit.Bound{})
	must(t, err)
	if !report.Balanced || report.Enriched+report.Unmatched != want {
		t.Errorf("report = %+v", report)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A drained feed has a verdict for every record, every reason that a producer can cause is seen, and its
// figures are those of what it published, whatever the topic held before.
func TestDrain(t *testing.T) {
	cfg := testConfig(t)
	var told strings.Builder // written to by one at a time
	cfg.Stderr = &told
	drained, err := Run(t.Context(), cfg, Feed{Records: 2000, Drain: true, Seed: 1, BadRatio: 0.05, UnknownRatio: 0.05})
	must(t, err)
	if !drained.Balanced || drained.Published != 2000 || drained.Enriched+drained.Unmatched+drained.Quarantined != 2000 {
		t.Errorf("drained = %+v", drained)
	}
	if drained.Unmatched == 0 || drained.Table.Rows == 0 || drained.Index.Rows != drained.Table.Rows {
		t.Errorf("drained = %+v", drained)
	}
	for _, reason := range []feed.Reason{feed.MissingKey, feed.InvalidKey, feed.MissingValue, feed.MalformedValue,
		feed.InvalidStockCode, feed.InvalidTimestamp, feed.FutureTimestamp} {
		if drained.QuarantinedByReason[reason] == 0 {
			t.Errorf("no record was set aside as %s", reason)
		}
	}
	before := childrenCPU(t)
	cfg.Stderr = nil
	for _, function := range []string{"enrich", "refresh", "query", "publish"} {
		here := filepath.Join(filepath.Dir(cfg.Manifest), "bin", "functions", function, function)
		if want := here + ", of this machine, for ./bin/zip/" + function + ".zip\n"; !strings.Contains(told.String(), want) {
			t.Errorf("it does not say %q but\n%s", want, told.String())
		}
	}
	again, err := Run(t.Context(), cfg, Feed{Records: 500, Drain: true, Seed: 2})
	must(t, err)
	if !again.Balanced || again.Published != 2500 {
		t.Errorf("the second run: %+v", again)
	}
	used := childrenCPU(t) - before // by the functions, what they did before the feed included
	if got := again.Speed.CPUFunctions * 500 / 1e6; got > used*1.01 || got < used*0.1 {
		t.Errorf("the figure amounts to %.3f s of the functions' CPU for 500 records, they used %.3f s", got, used)
	}
	if len(again.Speed.Processes) != 5 || again.Speed.Processes[0].Name != "feedstream" {
		t.Fatalf("processes = %+v, want this one and four functions", again.Speed.Processes)
	}
	for _, p := range again.Speed.Processes {
		if (p.PeakMemory > 0) != slices.Contains([]string{"feedstream", "feed-enrich"}, p.Name) {
			t.Errorf("%s: a peak of %d bytes", p.Name, p.PeakMemory) // nobody called the others: the reference is there
		}
	}
}

func childrenCPU(t *testing.T) float64 {
	t.Helper()
	var usage syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

// A drain that is cut short has proven nothing.
func TestAnInterruptedDrainFails(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := running(t)
	s.cfg.Stderr = io.Discard
	if _, err := s.work(ctx, Feed{Records: 1_000_000, Rate: 1, Drain: true}); !errors.Is(err, errInterrupted) {
		t.Errorf("error = %v", err)
	}
}

func TestASecondStackIsRefused(t *testing.T) {
	cfg := testConfig(t)
	lock, err := lockData(cfg.Data)
	must(t, err)
	defer func() { must(t, lock.Unlock()) }()
	if _, err := Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "another stack runs") {
		t.Errorf("error = %v", err)
	}
}

// What a killed stack leaves behind is not taken for a running one.
func TestLeftOverEndpoints(t *testing.T) {
	s := running(t)
	dir := s.cfg.Data
	if _, err := target.FromStack(dir); err != nil {
		t.Errorf("of a running stack: %v", err)
	}
	endpoints, err := os.ReadFile(dir + "/" + target.EndpointsFile)
	must(t, err)
	must(t, s.Close())
	must(t, os.WriteFile(dir+"/"+target.EndpointsFile, endpoints, 0o600))
	if _, err := target.FromStack(dir); err == nil || !strings.Contains(err.Error(), "no stack runs on the data directory") {
		t.Errorf("error = %v", err)
	}
}

func TestTakenPortsAreNamedBeforeAnythingStarts(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	cfg := testConfig(t)
	cfg.Ports = cfg.Ports.free()
	taken := listener.Addr().(*net.TCPAddr).Port
	cfg.Ports.kafka.number, cfg.Ports.oss.number = taken, taken
	_, err = Start(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "--kafka-port") || !strings.Contains(err.Error(), "--oss-port") {
		t.Errorf("error = %v", err)
	}
	if entries, _ := os.ReadDir(cfg.Data); len(entries) != 1 { // the lock file
		t.Errorf("something was started: %v", entries)
	}
	// A service that is named elsewhere needs no port here, which is where it may well run itself.
	elsewhere, err := target.Parse(map[string]string{"KAFKA_BROKERS": "127.0.0.1:1"}, target.Names{})
	must(t, err)
	err = cfg.Ports.check(&elsewhere)
	if err == nil || strings.Contains(err.Error(), "--kafka-port") || !strings.Contains(err.Error(), "--oss-port") {
		t.Errorf("with a Kafka elsewhere: error = %v", err)
	}
}

func TestListenHost(t *testing.T) {
	p := DefaultPorts()
	p.ListenHost = "0.0.0.0"
	if got := p.addr(p.console); got != "0.0.0.0:8080" {
		t.Errorf("the console listens on %s", got)
	}
	if got := p.addr(p.kafka); got != "127.0.0.1:9092" {
		t.Errorf("the embedded Kafka listens on %s: it has no authentication and stays on loopback", got)
	}
	for listening, want := range map[string]string{
		"[::]:8080": "127.0.0.1:8080", "0.0.0.0:8080": "127.0.0.1:8080", "127.0.0.1:8080": "127.0.0.1:8080", "10.0.0.7:8080": "10.0.0.7:8080",
	} {
		if got := reachable(listening); got != want {
			t.Errorf("what listens on %s is reached at %s, want %s", listening, got, want)
		}
	}
}

// A feed without an end outlives what the brokers refuse: whoever uses the services of the stack keeps them.
func TestAnEndlessFeedOutlivesRefusals(t *testing.T) {
	s := running(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Publish(ctx, Feed{Rate: 500}) }()
	input := s.target.Names.Topics.Input
	published := func() (n int64) {
		ends, _ := s.endOffsets(t.Context(), input) // while it is deleted there are none
		for _, end := range ends {
			n += end
		}
		return n
	}
	await := func(what string, condition func() bool) {
		for deadline := time.Now().Add(60 * time.Second); !condition(); time.Sleep(10 * time.Millisecond) {
			if len(ended) > 0 || time.Now().After(deadline) {
				t.Fatalf("the feed has ended, or never came: %s", what)
			}
		}
	}
	await("records", func() bool { return published() > 0 })
	withKafka(t, &s.services, func(ctx context.Context, admin *kadm.Client) error {
		if _, err := admin.DeleteTopic(ctx, input); err != nil {
			return err
		}
		await("the end of the topic", func() bool { return published() == 0 })
		_, err := admin.CreateTopic(ctx, defaultPartitions, 1, nil, input)
		return err
	})
	await("records of the new topic", func() bool { return published() > 100 })
	stop()
	must(t, <-ended)
}
