package stream

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A task stops fetching when this much waits in it: pushes that are being retried must not fill the memory.
const (
	bufferedRecords = 20_000
	bufferedBytes   = 2 * MaxBody
)

// fetcher stops and goes on with fetching partitions.
type fetcher interface {
	pause(partitions ...int32)
	resume(partitions ...int32)
}

// batcher is the buffer of one task: it forms batches from the records of its partitions, in the order in
// which they come. It owns its lock.
type batcher struct {
	count   int           // most records of a batch
	window  time.Duration // how long a batch that is not full waits; 0: not at all
	encoder encoder
	fetcher fetcher
	added   chan struct{} // has room for one token: something was added

	mu         sync.Mutex
	partitions []int32
	buffer     []*kgo.Record
	bytes      int       // of the buffer's events, estimated
	arrived    time.Time // of the oldest buffered record
	paused     bool
}

// assign gives the task one more partition. A task that is full fetches none.
func (b *batcher) assign(number int32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.partitions = append(b.partitions, number)
	if b.paused {
		b.fetcher.pause(number)
	}
}

// add takes fetched records of one partition.
func (b *batcher) add(records []*kgo.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.buffer) == 0 {
		b.arrived = time.Now()
	}
	b.buffer = append(b.buffer, records...)
	for _, r := range records {
		b.bytes += eventBytes(r)
	}
	if !b.paused && (len(b.buffer) >= bufferedRecords || b.bytes >= bufferedBytes) {
		b.paused = true
		b.fetcher.pause(b.partitions...)
	}
	wake(b.added)
}

// ready waits until a batch is due, by count, by size or by time; false means that ctx has ended.
func (b *batcher) ready(ctx context.Context) bool {
	for {
		left, waiting := b.due()
		if waiting && left <= 0 {
			return ctx.Err() == nil
		}
		var due <-chan time.Time
		if waiting {
			due = time.After(left)
		}
		select {
		case <-b.added:
		case <-due:
		case <-ctx.Done():
			return false
		}
	}
}

// due is how long the next batch may still wait, and whether there are records for one.
func (b *batcher) due() (left time.Duration, waiting bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case len(b.buffer) == 0:
		return 0, false
	case len(b.buffer) >= b.count || b.bytes >= MaxBody:
		return 0, true
	}
	return time.Until(b.arrived.Add(b.window)), true
}

// take removes the records of one batch and encodes them.
func (b *batcher) take() (records []*kgo.Record, body []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	body, taken := b.encoder.push(b.buffer[:min(len(b.buffer), b.count)])
	records = b.buffer[:taken:taken]
	b.buffer = b.buffer[taken:]
	b.arrived = time.Now()
	for _, r := range records {
		b.bytes -= eventBytes(r)
	}
	if b.paused && len(b.buffer) < bufferedRecords/2 && b.bytes < bufferedBytes/2 {
		b.paused = false
		b.fetcher.resume(slices.Clone(b.partitions)...)
	}
	return records, body
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is awake already
	}
}
