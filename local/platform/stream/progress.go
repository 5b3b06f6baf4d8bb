package stream

// progress is how far one partition has come, from the offset at which the stream reads on: what was
// received, what has its verdict, what is committed. It knows no lock, no clock and no broker.
//
// Offsets are no count of records: marks of transactions, holes that compaction left and what was deleted
// before it was read have offsets and are never delivered. The low mark passes them when nothing before
// them waits for its verdict.
type progress struct {
	waiting   int     // records received that no push has taken
	next      int64   // behind the last record received
	marks     []*mark // of pushes under way, or done behind one that is, in the order in which they were taken
	low       int64   // every record before it has its verdict
	committed int64   // as the group knows it, -1 when it knows nothing
	end       int64   // as the brokers last told
}

// mark is where a partition stands once a push, and all before it, have their verdict.
type mark struct {
	of   *progress
	next int64
	done bool
}

// newProgress reads on at an offset; committed is what the group knows, -1 when nothing.
func newProgress(at, committed int64) *progress {
	return &progress{next: at, low: at, committed: committed, end: at}
}

// follows says whether records from first on come after those that were received. If not, the partition was
// set back: its topic was made again, or read again from an earlier offset.
func (p *progress) follows(first int64) bool { return first >= p.next }

// receive takes note of n records that wait for a push, the last of them right before next.
func (p *progress) receive(n int, next int64) {
	p.waiting += n
	p.next = next
}

// take takes note of a push that holds n records, the last of them right before next.
func (p *progress) take(n int, next int64) *mark {
	m := &mark{of: p, next: next}
	p.waiting -= n
	p.marks = append(p.marks, m)
	return m
}

// verdict moves the low mark over every push that is done up to the first that is not.
func (m *mark) verdict() {
	m.done = true
	p := m.of
	for len(p.marks) > 0 && p.marks[0].done {
		p.low = p.marks[0].next
		p.marks = p.marks[1:]
	}
}

// idle says that every record received has its verdict.
func (p *progress) idle() bool { return p.waiting == 0 && len(p.marks) == 0 }

// pass moves the low mark to an offset; there is no record between.
func (p *progress) pass(from, to int64) {
	if p.idle() && p.low >= from && p.low < to {
		p.low, p.next = to, max(p.next, to)
	}
}

// bounds takes note of where the partition begins and ends now.
func (p *progress) bounds(start, end int64) {
	p.end = max(p.end, end)
	p.pass(0, start)
}

// uncommitted is the offset to commit. Offset 0 says nothing.
func (p *progress) uncommitted() (offset int64, ok bool) { return p.low, p.low > max(p.committed, 0) }

// commit takes note of what the group has committed, unless it is from before the partition was set back.
func (p *progress) commit(offset int64) {
	if offset <= p.low {
		p.committed = max(p.committed, offset)
	}
}

// lag is how far the committed offset is behind the end.
func (p *progress) lag() int64 { return max(p.end-max(p.committed, 0), 0) }
