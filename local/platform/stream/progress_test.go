package stream

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// log is a partition: which of its offsets hold a record, from start on.
type log struct {
	records []bool
	start   int64
}

// none says that no record is left in [from, to).
func (l *log) none(from, to int64) bool {
	return !slices.Contains(l.records[max(from, l.start):max(to, l.start)], true)
}

// Whatever is fetched, pushed, done, purged and passed in whatever order: the low mark never passes a record
// without verdict and never goes back, and when all is done it stands at the end.
func TestTheLowMarkPassesNoRecordWithoutVerdict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &log{}
		p := newProgress(0, -1)
		var received []int64 // that no push has taken
		open := map[*mark][]int64{}
		var marks []*mark // of what is open, in order
		judged := map[int64]bool{}
		position, low := int64(0), int64(0)
		fetch := func(n int) {
			var got []int64
			for ; position < int64(len(l.records)) && len(got) < n; position++ {
				if l.records[position] && position >= l.start {
					got = append(got, position)
				}
			}
			if len(got) > 0 {
				p.receive(len(got), got[len(got)-1]+1)
				received = append(received, got...)
			}
		}
		take := func(n int) {
			if n = min(n, len(received)); n > 0 {
				marks = append(marks, p.take(n, received[n-1]+1))
				open[marks[len(marks)-1]] = received[:n]
				received = received[n:]
			}
		}
		verdict := func(which int) {
			m := marks[which]
			marks = slices.Delete(marks, which, which+1)
			for _, offset := range open[m] {
				judged[offset] = true
			}
			delete(open, m)
			m.verdict()
		}
		pass := func() { // what looking at the log finds
			next := p.low
			for next < int64(len(l.records)) && l.none(p.low, next+1) {
				next++
			}
			p.pass(p.low, next)
		}
		n := func(name string) int { return rapid.IntRange(1, 5).Draw(t, name) }
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				l.records = append(l.records, rapid.SliceOfN(rapid.Bool(), 1, 5).Draw(t, "records")...)
			},
			"purge": func(t *rapid.T) {
				l.start = max(l.start, rapid.Int64Range(0, int64(len(l.records))).Draw(t, "start"))
				position = max(position, l.start)
			},
			"look":  func(*rapid.T) { p.bounds(l.start, int64(len(l.records))); pass() },
			"fetch": func(*rapid.T) { fetch(n("fetched")) },
			"take":  func(*rapid.T) { take(n("taken")) },
			"verdict": func(t *rapid.T) {
				if len(marks) > 0 {
					verdict(rapid.IntRange(0, len(marks)-1).Draw(t, "which"))
				}
			},
			"commit": func(*rapid.T) {
				if offset, ok := p.uncommitted(); ok {
					p.commit(offset)
				}
			},
			"": func(t *rapid.T) {
				if p.low < low {
					t.Fatalf("the low mark went from %d back to %d", low, p.low)
				}
				low = p.low
				for offset := l.start; offset < min(p.low, int64(len(l.records))); offset++ {
					if l.records[offset] && !judged[offset] {
						t.Fatalf("the low mark is %d, and %d has no verdict", p.low, offset)
					}
				}
				for _, offset := range slices.Concat(append(slices.Collect(maps.Values(open)), received)...) {
					if offset < p.low {
						t.Fatalf("the low mark is %d, and %d is under way", p.low, offset)
					}
				}
			},
		})
		fetch(len(l.records))
		take(len(received))
		for len(marks) > 0 {
			verdict(0)
		}
		p.bounds(l.start, int64(len(l.records)))
		pass()
		if offset, ok := p.uncommitted(); ok {
			p.commit(offset)
		}
		if p.low != int64(len(l.records)) || p.lag() != 0 {
			t.Fatalf("with all done the low mark is %d of %d, lag %d", p.low, len(l.records), p.lag())
		}
	})
}

// A commit that was under way when the partition was set back says nothing of what comes again.
func TestACommitFromBeforeThePartitionWasSetBack(t *testing.T) {
	p := newProgress(0, -1)
	p.bounds(0, 40)
	p.commit(61)
	if p.lag() != 40 {
		t.Errorf("lag = %d, want 40", p.lag())
	}
	if p = newProgress(61, 61); p.follows(0) {
		t.Error("offset 0 follows 61")
	}
}
