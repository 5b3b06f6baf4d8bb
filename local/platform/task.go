package platform

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A task stops fetching when this much waits in it: pushes that are being retried must not fill the memory.
const (
	bufferedRecords = 20_000
	bufferedBytes   = 2 * maxBody
)

// task is one consumer of a stream: it forms batches from the records of its partitions, in the order
// in which they come. Guarded by the stream's mutex.
type task struct {
	partitions []int32
	buffer     []*kgo.Record
	bytes      int       // of the buffer's events, estimated
	arrived    time.Time // of the oldest buffered record
	paused     bool
	wake       chan struct{}
}

// partition is how far one partition has come; guarded by the stream's mutex.
type partition struct {
	number        int32
	task          *task
	marks         []mark // of pushes under way, or done behind one that is, in order of offset
	committed     int64  // next offset, -1 when unknown
	acknowledged  int64  // what may be committed, -1 when nothing
	highWatermark int64
}

// mark is where a partition stands once a push, and all before it, have their verdict.
type mark struct {
	push *push
	next int64
}

// push is one batch of a task.
type push struct {
	records []*kgo.Record
	body    []byte
	done    bool
}

// buffer adds fetched records of one partition; the mutex is held.
func (s *stream) buffer(t *task, records []*kgo.Record) {
	if len(t.buffer) == 0 {
		t.arrived = time.Now()
	}
	t.buffer = append(t.buffer, records...)
	for _, r := range records {
		t.bytes += eventBytes(r)
	}
	if !t.paused && (len(t.buffer) >= bufferedRecords || t.bytes >= bufferedBytes) {
		t.paused = true
		s.client.PauseFetchPartitions(map[string][]int32{s.declared.Topic: t.partitions})
	}
	wake(t.wake)
}

// batchReady waits until a batch is due, by count, by size or by time; false means that the stream closes.
func (s *stream) batchReady(t *task) bool {
	for {
		s.mu.Lock()
		n, bytes, arrived := len(t.buffer), t.bytes, t.arrived
		s.mu.Unlock()
		if n >= s.declared.BatchCount || bytes >= maxBody {
			return s.ctx.Err() == nil
		}
		var due <-chan time.Time
		if n > 0 {
			left := time.Until(arrived.Add(s.declared.BatchWindow))
			if left <= 0 {
				return s.ctx.Err() == nil
			}
			due = time.After(left)
		}
		select {
		case <-t.wake:
		case <-due:
		case <-s.ctx.Done():
			return false
		}
	}
}

func (s *stream) takeBatch(t *task) *push {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, taken := s.encoder.push(t.buffer[:min(len(t.buffer), s.declared.BatchCount)])
	p := &push{records: t.buffer[:taken:taken], body: body}
	t.buffer = t.buffer[taken:]
	t.arrived = time.Now()
	next := map[int32]int64{}
	for _, r := range p.records {
		t.bytes -= eventBytes(r)
		next[r.Partition] = r.Offset + 1
	}
	for number, offset := range next {
		known := s.partitions[number]
		known.marks = append(known.marks, mark{p, offset})
	}
	if t.paused && len(t.buffer) < bufferedRecords/2 && t.bytes < bufferedBytes/2 {
		t.paused = false
		s.client.ResumeFetchPartitions(map[string][]int32{s.declared.Topic: slices.Clone(t.partitions)})
	}
	return p
}

// verdict moves the low mark of each partition over every push that is done up to the first that is not.
func (s *stream) verdict(done *push) {
	s.mu.Lock()
	defer s.mu.Unlock()
	done.done = true
	done.body, done.records = nil, nil
	for _, p := range s.partitions {
		for len(p.marks) > 0 && p.marks[0].push.done {
			p.acknowledged = p.marks[0].next
			p.marks = p.marks[1:]
		}
	}
	wake(s.commitWanted)
}
