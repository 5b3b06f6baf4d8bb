package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"feedstream/shared/fc"
	"feedstream/shared/kafka"
	"feedstream/shared/phoenix"
)

// holder is a pair of sinks that hold the bytes of all they are given until they return, as the real ones do when a
// region server or a broker is slow, and then look at what memory is in use.
type holder struct{ most uint64 }

func (h *holder) WriteRows(_ context.Context, _, _ string, batch *phoenix.Batch) error {
	all := make([]int, batch.Len())
	for i := range all {
		all[i] = i
	}
	for _, side := range []phoenix.Side{batch.Data(), batch.Index()} {
		cells := make([]byte, 0, side.Room(all))
		for i := range all {
			cells = side.AppendCells(cells, i)
		}
		h.look()
		runtime.KeepAlive(cells)
	}
	return nil
}

func (h *holder) Prepare(_ context.Context, messages []kafka.Message) func(context.Context) error {
	size := 0
	var one []byte
	for i := range messages {
		one = kafka.AppendOutput(one[:0], &messages[i])
		size += len(one)
	}
	// A batch grows by a quarter at a time, one after the other: what is moved of one is little.
	batch := make([]byte, 0, size+size/4)
	for i := range messages {
		batch = kafka.AppendOutput(batch, &messages[i])
	}
	return func(context.Context) error {
		h.look()
		runtime.KeepAlive(batch)
		return nil
	}
}

func (h *holder) look() { h.most = max(h.most, inUse()) }

// inUse is the memory in use, without what the collector would free.
func inUse() uint64 {
	for range 2 { // a pool keeps what it has through one
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// The first push of an instance, whose memory was not used before, takes no more than the runtime lets its bytes
// count for: in the form with the most bytes around a record, and in the one with the fewest.
func TestMemoryOfAPush(t *testing.T) {
	raw := new(strings.Builder)
	for i := range benchRecords {
		fmt.Fprintf(raw, `%c{"topic":"feed-updates","partition":%d,"offset":%d,"timestamp":%d,"headers":{"headers":[],"isReadOnly":false},"key":"192.168.2.%d","value":"%04d.HK,%d"}`,
			"[,"[min(i, 1)], i%4, 1_000_000+i, 1655952591589+i, i%255, i, 1605760851123+i)
	}
	for form, body := range map[string][]byte{"CloudEvents": benchPush(1_000_000), "RawData": []byte(raw.String() + "]")} {
		e := newWorld(t).enricher()
		sinks := &holder{}
		e.Rows, e.Topics = sinks, sinks
		before := inUse()
		if _, err := e.Push(t.Context(), body); err != nil {
			t.Fatal(err)
		}
		each := 1 + float64(sinks.most-before)/float64(len(body)) // the body itself was there before
		t.Logf("%s: %d bytes a record, of which each takes %.1f of memory", form, len(body)/benchRecords, each)
		if each > fc.MemoryPerEventByte {
			t.Errorf("%s: a byte of the push takes %.1f of memory, more than %d", form, each, fc.MemoryPerEventByte)
		}
	}
}
