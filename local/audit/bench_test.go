package audit

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/services/kafka"
	"feedstream/shared/feed"
	feedkafka "feedstream/shared/kafka"
)

// BenchmarkRun audits b.N records of 256 senders, each of them enriched, table and index with them. What it
// takes of memory at most is measured beside the broker, which is in the same process. For a figure:
//
//	go test -run '^$' -bench BenchmarkRun -benchtime 10000000x -timeout 30m ./local/audit
func BenchmarkRun(b *testing.B) {
	s := startKafka(b)
	w := enrichedFeed(b, s, b.N)
	before := heap()
	peak, stop := watchHeap()
	b.ReportAllocs()
	b.ResetTimer()
	r, err := Run(b.Context(), Config{Kafka: Kafka{Brokers: []string{s.Addr()}}, Topics: topics, Group: group, Table: w})
	b.StopTimer()
	stop()
	if err != nil || r.Unmatched != b.N || !r.Balanced {
		b.Fatal(r, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(max(float64(peak.Load())-float64(before), 0)/(1<<20), "peak-MB")
}

// enrichedFeed fills a broker with n input records and their output records, and returns the table.
func enrichedFeed(b *testing.B, s *kafka.Server, n int) *world {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Minute)
	defer cancel()
	c, err := kgo.NewClient(kgo.SeedBrokers(s.Addr()), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(100_000))
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
		d := reading(in)
		update, why := d.Update(endOfTime)
		if why != nil {
			b.Fatal(why)
		}
		r := feed.Join(update, origin(p, int64(i/2)), nil, "v1")
		newest[r.RowKey()] = r
		in.Topic, in.Partition = topics.Input, int32(p)
		c.Produce(ctx, in, done)
		m := feedkafka.RecordMessage(topics.Output, &r)
		out := &kgo.Record{Topic: m.Topic, Partition: int32(p), Key: m.Key, Value: m.Value, Timestamp: in.Timestamp.Add(time.Second)}
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

// watchHeap keeps the most that the heap holds until it is stopped.
func watchHeap() (peak *atomic.Uint64, stop func()) {
	peak = new(atomic.Uint64)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for every := time.NewTicker(100 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				every.Stop()
				return
			case <-every.C:
				var stats runtime.MemStats
				runtime.ReadMemStats(&stats)
				peak.Store(max(peak.Load(), stats.HeapAlloc))
			}
		}
	}()
	return peak, func() { cancel(); <-ended }
}
