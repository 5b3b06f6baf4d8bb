package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/services/kafka"
	"feedstream/shared/feed"
	feedkafka "feedstream/shared/kafka"
)

// auditBrokers names the brokers to the child of a benchmark.
const auditBrokers = "FEEDSTREAM_AUDIT_BROKERS"

// TestMain makes this binary the child of a benchmark: one audit, in a process of its own.
func TestMain(m *testing.M) {
	if broker := os.Getenv(auditBrokers); broker != "" {
		if err := auditAlone(broker); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// tables is what a child gets of its world.
type tables struct {
	Rows  []Row
	Index []IndexRow
}

func auditAlone(broker string) error {
	var t tables
	if err := json.NewDecoder(os.Stdin).Decode(&t); err != nil {
		return err
	}
	r, err := Run(context.Background(), Config{
		Kafka: Kafka{Brokers: []string{broker}}, Topics: topics, Group: group, Table: &world{rows: t.Rows, index: t.Index},
	})
	if err == nil && !r.Balanced {
		err = fmt.Errorf("not balanced: %+v", r)
	}
	return err
}

// BenchmarkRun audits b.N records of 256 senders, each of them enriched, table and index with them, in a
// process of its own, and measures the time and the most memory that this one has: `make bench-audit`.
func BenchmarkRun(b *testing.B) {
	child := childOf(b, b.N)
	b.ResetTimer()
	out, err := child.CombinedOutput()
	b.StopTimer()
	if err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	if used, ok := child.ProcessState.SysUsage().(*syscall.Rusage); ok { // in KiB, on Linux
		b.ReportMetric(float64(used.Maxrss)/1024, "MB-at-most")
	}
}

// The child of a benchmark finds what the benchmark made.
func TestAuditInAProcessOfItsOwn(t *testing.T) {
	if out, err := childOf(t, 1000).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// childOf is a process that will audit a broker with n records.
func childOf(t testing.TB, n int) *exec.Cmd {
	t.Helper()
	s := startKafka(t)
	w := enrichedFeed(t, s, n)
	stdin, err := json.Marshal(tables{w.rows, w.index})
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env, child.Stdin = append(os.Environ(), auditBrokers+"="+s.Addr()), bytes.NewReader(stdin)
	return child
}

// enrichedFeed fills a broker with n input records and their output records, and returns the table.
func enrichedFeed(b testing.TB, s *kafka.Server, n int) *world {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Minute)
	defer cancel()
	c, err := kgo.NewClient(kgo.SeedBrokers(s.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MaxBufferedRecords(100_000))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	done := func(_ *kgo.Record, err error) {
		if err != nil {
			b.Error(err)
		}
	}
	w, newest := &world{}, map[string]feed.Record{}
	for i := range n {
		p := i % 2
		in := event(fmt.Sprint("192.168.2.", i%256), "2318.HK", int64(i))
		d := Reading(in)
		update, why := d.Update(endOfTime)
		if why != nil {
			b.Fatal(why)
		}
		r := feed.Join(update, origin(p, int64(i/2)), nil, "v1")
		newest[r.RowKey()] = r
		in.Topic, in.Partition = topics.Input, int32(p)
		c.Produce(ctx, in, done)
		m := feedkafka.RecordMessage(topics.Output, &r)
		out := &kgo.Record{
			Topic: m.Topic, Partition: int32(p), Key: m.Key, Value: m.Value, Timestamp: in.Timestamp.Add(time.Second),
		}
		for _, h := range m.Headers {
			out.Headers = append(out.Headers, kgo.RecordHeader(h))
		}
		c.Produce(ctx, out, done)
	}
	if err := c.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	for _, r := range newest {
		w.putRow(r)
	}
	return w
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
