package stream

// unknown is an offset that nobody has told yet.
const unknown = -1

// progress is how far one partition has come. It is a plain value without a lock.
//
// Offsets are no count of records: a log has transaction marks, holes that compaction left, and a beginning
// that moves. So what may be committed follows the records that are there: it is behind the last record of
// the contiguous run with verdicts, and once nothing is left to do, where fetching stands.
type progress struct {
	fetched   int64 // behind the last record that was handed to a task
	position  int64 // where fetching stands: what lies before was handed to a task, or is no record
	begun     int64 // behind the last record that is part of a push
	pushes    []*mark
	low       int64 // may be committed
	committed int64 // of the group
	known     bool  // what the group had committed when the partition was assigned
	end       int64 // of the partition, as last heard
}

// mark is where a partition stands once a push, and all before it, have their verdict.
type mark struct {
	next int64
	done bool
}

func newProgress() *progress {
	return &progress{fetched: unknown, position: unknown, begun: unknown, low: unknown, committed: unknown}
}

// fetch notes records handed to a task up to fetched, unknown for none, and that fetching stands at position.
func (p *progress) fetch(fetched, position int64) {
	p.fetched, p.position = max(p.fetched, fetched), max(p.position, position)
	p.end = max(p.end, p.position)
	p.advance()
}

// begin notes a push whose last record of this partition lies before next.
func (p *progress) begin(next int64) *mark {
	m := &mark{next: next}
	p.begun = next
	p.pushes = append(p.pushes, m)
	return m
}

// finish notes the verdict of a push.
func (p *progress) finish(m *mark) {
	m.done = true
	p.advance()
}

// bounds notes where the partition begins and ends. What lies before its beginning is gone.
func (p *progress) bounds(start, end int64) {
	p.end = max(p.end, end)
	p.position = max(p.position, start)
	p.advance()
}

// resume takes over what the group has committed, unknown for nothing.
func (p *progress) resume(committed int64) {
	p.known = true
	p.committed = max(p.committed, committed)
}

// advance moves the low mark over every push that is done up to the first that is not.
func (p *progress) advance() {
	for len(p.pushes) > 0 && p.pushes[0].done {
		p.low = max(p.low, p.pushes[0].next)
		p.pushes = p.pushes[1:]
	}
	if len(p.pushes) == 0 && p.begun == p.fetched {
		p.low = max(p.low, p.position)
	}
}

// commit returns the offset that is to be committed, and whether there is one.
func (p *progress) commit() (offset int64, wanted bool) {
	return p.low, p.known && p.low > max(p.committed, 0)
}

// settled tells whether everything before offset has its verdict, and that is committed.
func (p *progress) settled(offset int64) bool { return p.committed >= offset }

// lag is how many offsets before the end are not committed.
func (p *progress) lag() int64 { return max(p.end-max(p.committed, 0), 0) }
