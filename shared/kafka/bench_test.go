package kafka

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"golang.org/x/sync/errgroup"

	embedded "feedstream/local/services/kafka"
	"feedstream/shared/feed"
	"feedstream/shared/testkit"
)

// BenchmarkProduce produces output records, sends those that were prepared before, and sends the same batches to the same
// partitions in a bare loop.
func BenchmarkProduce(b *testing.B) {
	s, err := embedded.Start(embedded.Options{Addr: "127.0.0.1:0", Dir: b.TempDir(), Topics: []embedded.Topic{{Name: "out", Partitions: 4}}})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	p, err := New(Config{Brokers: []string{s.Addr()}})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	made, messages := make([]feed.Record, 2000), make([]Message, 2000)
	for i := range messages {
		made[i] = records["matched"]
		made[i].Sender = fmt.Sprintf("192.168.2.%d", i%250)
		messages[i] = Message{Topic: "out", Record: &made[i]}
	}
	partitions, err := p.partitions(b.Context(), "out")
	if err != nil {
		b.Fatal(err)
	}
	lanes, sets := split(all(messages), partitions), [][]byte{}
	for _, l := range lanes {
		set, n := appendBatch(nil, l.pending, batchBytes, noon)
		if n != len(l.pending) {
			b.Fatal("more than one batch")
		}
		sets = append(sets, set)
	}
	var send func(context.Context) error
	testkit.InTurns(b, len(messages), testkit.Way{Name: "bare", Do: func() error {
		var running errgroup.Group
		for i, l := range lanes {
			running.Go(func() error {
				_, err := p.client.RawProduce(b.Context(), &kafka.RawProduceRequest{Topic: l.topic, Partition: l.partition,
					RequiredAcks: kafka.RequireAll, RawRecords: protocol.RawRecordSet{Reader: bytes.NewReader(sets[i])}})
				return err
			})
		}
		return running.Wait()
	}}, testkit.Way{Name: "prepared", Ready: func() { send = p.Prepare(b.Context(), messages) }, Do: func() error {
		return send(b.Context())
	}}, testkit.Way{Name: "Produce", Do: func() error { return p.Produce(b.Context(), messages) }})
}
