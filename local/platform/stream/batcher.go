package stream

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A batcher stops fetching when this much waits in it: pushes that are being retried must not fill the memory.
const (
	bufferedRecords = 20_000
	bufferedBytes   = 2 * MaxBody
)

// batcher forms the batches of one task from the records of its partitions, in the order in which they
// come. One goroutine adds, one takes.
type batcher struct {
	encoder       encoder
	count         int
	window        time.Duration
	pause, resume func(partitions []int32) // fetching
	came          chan struct{}            // holds a token when something was added

	mu         sync.Mutex
	partitions []int32
	items      []item
	bytes      int       // of the items' events, estimated
	arrived    time.Time // of the oldest item
	paused     bool
}

// item is a record that waits for its push.
type item struct {
	record *kgo.Record
	of     *progress
}

// push is one batch.
type push struct {
	items  []item
	body   []byte
	number int64 // in the order in which the stream's pushes were taken
}

// assign adds a partition to those that the batcher is filled from; when it is full, that waits too.
func (b *batcher) assign(partition int32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.partitions, partition) {
		b.partitions = append(b.partitions, partition)
	}
	if b.paused {
		b.pause([]int32{partition})
	}
}

// add takes fetched records of one partition.
func (b *batcher) add(records []*kgo.Record, of *progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.items) == 0 {
		b.arrived = time.Now()
	}
	for _, r := range records {
		b.items = append(b.items, item{r, of})
		b.bytes += eventBytes(r)
	}
	if !b.paused && (len(b.items) >= bufferedRecords || b.bytes >= bufferedBytes) {
		b.paused = true
		b.pause(slices.Clone(b.partitions))
	}
	wake(b.came)
}

// wait waits until a batch is due, by count, by size or by time; false means that ctx ended.
func (b *batcher) wait(ctx context.Context) bool {
	for {
		b.mu.Lock()
		n, bytes, arrived := len(b.items), b.bytes, b.arrived
		b.mu.Unlock()
		if n >= b.count || bytes >= MaxBody {
			return ctx.Err() == nil
		}
		var due <-chan time.Time
		if n > 0 {
			left := time.Until(arrived.Add(b.window))
			if left <= 0 {
				return ctx.Err() == nil
			}
			due = time.After(left)
		}
		select {
		case <-b.came:
		case <-due:
		case <-ctx.Done():
			return false
		}
	}
}

// take removes one batch. Events are written without the lock: fetching goes on meanwhile.
func (b *batcher) take() push {
	b.mu.Lock()
	candidates := slices.Clone(b.items[:min(len(b.items), b.count)])
	b.mu.Unlock()
	records := make([]*kgo.Record, len(candidates))
	for i := range candidates {
		records[i] = candidates[i].record
	}
	body, taken := b.encoder.push(records)
	b.remove(taken)
	return push{items: candidates[:taken], body: body}
}

func (b *batcher) remove(taken int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, i := range b.items[:taken] {
		b.bytes -= eventBytes(i.record)
	}
	clear(b.items[:taken]) // their records are the push's now, and go with it
	b.items = b.items[taken:]
	b.arrived = time.Now()
	if b.paused && len(b.items) < bufferedRecords/2 && b.bytes < bufferedBytes/2 {
		b.paused = false
		b.resume(slices.Clone(b.partitions))
	}
}

// tasks are the consumers of a stream: partition n belongs to task n modulo most.
type tasks struct {
	most  int32
	start func() *batcher

	mu       sync.Mutex
	batchers map[int32]*batcher
	stopped  bool
}

// of returns the batcher of a partition's task, starting a task that is new; nil once they are stopped.
func (t *tasks) of(partition int32) *batcher {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return nil
	}
	number := partition % t.most
	b := t.batchers[number]
	if b == nil {
		b = t.start()
		t.batchers[number] = b
	}
	return b
}

func (t *tasks) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is awake already
	}
}
