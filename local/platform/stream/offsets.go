package stream

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// offsets is how far all partitions of a stream have come. It owns its lock.
type offsets struct {
	mu         sync.Mutex
	partitions map[int32]*progress
	ends       map[int32]int64 // of partitions that are not assigned yet
	changed    chan struct{}   // closed and replaced when a commit or an assignment happens
}

func newOffsets() *offsets {
	return &offsets{partitions: map[int32]*progress{}, ends: map[int32]int64{}, changed: make(chan struct{})}
}

// assign adds a partition and says whether it is new.
func (o *offsets) assign(number int32) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.partitions[number] != nil {
		return false
	}
	o.partitions[number] = newProgress()
	o.partitions[number].end = o.ends[number]
	o.notify()
	return true
}

// notify wakes who waits for a change; the lock is held.
func (o *offsets) notify() {
	close(o.changed)
	o.changed = make(chan struct{})
}

// update changes the progress of one partition, if it is known, and says whether something is to be
// committed.
func (o *offsets) update(number int32, change func(*progress)) (wanted bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.partitions[number]
	if p == nil {
		return false
	}
	change(p)
	_, wanted = p.commit()
	return wanted
}

// resume takes over what the group has committed, so that who waits for an offset that was reached in an
// earlier run sees it.
func (o *offsets) resume(committed map[int32]int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for number, offset := range committed {
		if p := o.partitions[number]; p != nil {
			p.resume(offset)
		}
	}
	o.notify()
}

// bounds notes where the partitions begin and end, and says whether something is to be committed.
func (o *offsets) bounds(starts, ends map[int32]int64) (wanted bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ends = ends
	for number, p := range o.partitions {
		if start, told := starts[number]; told {
			p.bounds(start, ends[number])
			_, one := p.commit()
			wanted = wanted || one
		}
	}
	return wanted
}

// begin notes a push of these records, and returns its marks by partition.
func (o *offsets) begin(records []*kgo.Record) map[int32]*mark {
	next := map[int32]int64{}
	for _, r := range records {
		next[r.Partition] = r.Offset + 1
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	marks := make(map[int32]*mark, len(next))
	for number, offset := range next {
		marks[number] = o.partitions[number].begin(offset)
	}
	return marks
}

// finish notes the verdict of a push.
func (o *offsets) finish(marks map[int32]*mark) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for number, m := range marks {
		o.partitions[number].finish(m)
	}
}

// wanted are the offsets to commit.
func (o *offsets) wanted() map[int32]kgo.EpochOffset {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := map[int32]kgo.EpochOffset{}
	for number, p := range o.partitions {
		if offset, wanted := p.commit(); wanted {
			found[number] = kgo.EpochOffset{Epoch: -1, Offset: offset}
		}
	}
	return found
}

// committed notes what was committed.
func (o *offsets) committed(done map[int32]kgo.EpochOffset) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for number, offset := range done {
		p := o.partitions[number]
		p.committed = max(p.committed, offset.Offset)
	}
	o.notify()
}

func (o *offsets) lag() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	total := int64(0)
	for _, p := range o.partitions {
		total += p.lag()
	}
	return total
}

// settled tells whether everything before these offsets is committed, and returns a channel that closes
// with the next change.
func (o *offsets) settled(want map[int]int64) (bool, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for number, offset := range want {
		p := o.partitions[int32(number)]
		if offset > 0 && (p == nil || !p.settled(offset)) {
			return false, o.changed
		}
	}
	return true, o.changed
}
