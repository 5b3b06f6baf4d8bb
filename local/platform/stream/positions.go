package stream

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// positions are the partitions of a stream and how far each has come.
type positions struct {
	mu         sync.Mutex
	partitions map[int32]*progress
	changed    chan struct{} // closed and replaced when a commit or an assignment happens
}

func newPositions() *positions {
	return &positions{partitions: map[int32]*progress{}, changed: make(chan struct{})}
}

// begin takes a partition up. One that comes again begins anew: what was received of it before and is not
// committed will be received again.
func (p *positions) begin(partition int32, at, committed int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.partitions[partition] = newProgress(at, committed)
	p.notify()
}

// notify wakes who waits for a change; the mutex is held.
func (p *positions) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// receive returns the progress that fetched records count for, nil when their partition is not assigned.
func (p *positions) receive(fetched kgo.FetchTopicPartition) *progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.partitions[fetched.Partition]
	if known == nil {
		return nil
	}
	first, last := fetched.Records[0], fetched.Records[len(fetched.Records)-1]
	if !known.follows(first.Offset) {
		known = newProgress(first.Offset, -1)
		p.partitions[fetched.Partition] = known
	}
	known.receive(len(fetched.Records), last.Offset+1)
	known.bounds(0, fetched.HighWatermark)
	return known
}

// take marks what a push holds of each partition.
func (p *positions) take(items []item) []*mark {
	p.mu.Lock()
	defer p.mu.Unlock()
	count, next := map[*progress]int{}, map[*progress]int64{}
	for _, i := range items {
		count[i.of]++
		next[i.of] = i.record.Offset + 1
	}
	marks := make([]*mark, 0, len(count))
	for of, n := range count {
		marks = append(marks, of.take(n, next[of]))
	}
	return marks
}

// verdict moves the low marks for a push that is done.
func (p *positions) verdict(marks []*mark) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range marks {
		m.verdict()
	}
}

// lows are the low marks of all partitions.
func (p *positions) lows() map[int32]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	lows := map[int32]int64{}
	for number, known := range p.partitions {
		lows[number] = known.low
	}
	return lows
}

// bounds takes over where a partition begins and ends, asked for when its low mark was low. An end before
// that is of a topic that was made again, or of a partition that begins again: all of it is yet to come.
func (p *positions) bounds(partition int32, low, start, end int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.partitions[partition]
	switch {
	case known == nil:
	case end < low && known.low >= low:
		p.partitions[partition] = newProgress(start, -1)
		p.partitions[partition].bounds(start, end)
	default:
		known.bounds(start, end)
	}
}

// idle are the low marks of partitions that are behind their end with nothing to be pushed.
func (p *positions) idle() map[int32]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	lows := map[int32]int64{}
	for number, known := range p.partitions {
		if known.idle() && known.low < known.end {
			lows[number] = known.low
		}
	}
	return lows
}

// pass moves a low mark over offsets without records.
func (p *positions) pass(partition int32, from, to int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.partitions[partition]; known != nil {
		known.pass(from, to)
	}
}

// uncommitted are the low marks that the group does not know yet.
func (p *positions) uncommitted() map[int32]kgo.EpochOffset {
	p.mu.Lock()
	defer p.mu.Unlock()
	offsets := map[int32]kgo.EpochOffset{}
	for number, known := range p.partitions {
		if offset, ok := known.uncommitted(); ok {
			offsets[number] = kgo.EpochOffset{Epoch: -1, Offset: offset}
		}
	}
	return offsets
}

// committed takes over what the group has committed.
func (p *positions) committed(offsets map[int32]int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for number, offset := range offsets {
		if known := p.partitions[number]; known != nil {
			known.commit(offset)
		}
	}
	p.notify()
}

// Partition is how far one partition of a stream has come.
type Partition struct {
	Number         int32
	Committed, End int64 // offsets; End is the high watermark as the brokers last told it
	Lag            int64 // End - Committed
}

// list is in the order of the partitions.
func (p *positions) list() []Partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]Partition, 0, len(p.partitions))
	for number, known := range p.partitions {
		list = append(list, Partition{Number: number, Committed: max(known.committed, 0), End: known.end, Lag: known.lag()})
	}
	slices.SortFunc(list, func(a, b Partition) int { return cmp.Compare(a.Number, b.Number) })
	return list
}

func (p *positions) lag() (sum int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, known := range p.partitions {
		sum += known.lag()
	}
	return sum
}

// reached says whether the committed offsets have reached these; if not, changed is closed when they move.
func (p *positions) reached(offsets map[int]int64) (ok bool, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for number, want := range offsets {
		known := p.partitions[int32(number)]
		if want > 0 && (known == nil || known.committed < want) {
			return false, p.changed
		}
	}
	return true, nil
}

// WaitCommitted returns once the committed offsets have reached these.
func (s *Stream) WaitCommitted(ctx context.Context, offsets map[int]int64) error {
	for {
		reached, changed := s.positions.reached(offsets)
		if reached {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for the committed offsets of %s: %w", s.declared.Group, ctx.Err())
		case <-s.ctx.Done():
			return fmt.Errorf("wait for the committed offsets of %s: the event stream stopped", s.declared.Group)
		}
	}
}
