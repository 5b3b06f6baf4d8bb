package stream

import (
	"testing"

	"pgregory.net/rapid"
)

// log is a partition as it may be: records, and offsets that hold none (transaction marks, holes).
type log []bool

// TestProgress runs a partition through fetches of any length, pushes of any size with verdicts in any order,
// and deletions of its beginning. What may be committed never passes a record without a verdict, never goes
// back, and reaches the end when nothing is left to do.
func TestProgress(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		partition := log(rapid.SliceOfN(rapid.Bool(), 1, 40).Draw(t, "records"))
		end := int64(len(partition))
		p := newProgress()
		p.resume(unknown)
		open := map[int64]bool{} // records handed out or still to come that have no verdict and are not deleted
		for offset, isRecord := range partition {
			open[int64(offset)] = isRecord
		}
		var buffered []int64
		var running []*mark
		held := map[*mark][]int64{}
		position, start, low := int64(0), int64(0), int64(unknown)

		fetch := func(t *rapid.T) {
			if position >= end {
				t.Skip("at the end")
			}
			to := rapid.Int64Range(position+1, end).Draw(t, "to")
			behind := int64(unknown)
			for ; position < to; position++ {
				if partition[position] {
					buffered = append(buffered, position)
					behind = position + 1
				}
			}
			p.fetch(behind, position)
		}
		push := func(t *rapid.T) {
			if len(buffered) == 0 {
				t.Skip("nothing buffered")
			}
			n := rapid.IntRange(1, len(buffered)).Draw(t, "batch")
			m := p.begin(buffered[n-1] + 1)
			held[m], buffered = buffered[:n:n], buffered[n:]
			running = append(running, m)
		}
		finish := func(t *rapid.T) {
			if len(running) == 0 {
				t.Skip("no push")
			}
			i := rapid.IntRange(0, len(running)-1).Draw(t, "push")
			m := running[i]
			running = append(running[:i:i], running[i+1:]...)
			for _, offset := range held[m] {
				delete(open, offset)
			}
			p.finish(m)
		}
		purge := func(t *rapid.T) {
			start = rapid.Int64Range(start, end).Draw(t, "start")
			for offset := range start {
				if offset >= position { // what was fetched before is with us, and has its verdict to come
					delete(open, offset)
				}
			}
			position = max(position, start)
			p.bounds(start, end)
		}
		t.Repeat(map[string]func(*rapid.T){
			"fetch": fetch, "push": push, "finish": finish, "purge": purge,
			"": func(t *rapid.T) {
				for offset := range max(p.low, 0) {
					if open[offset] {
						t.Fatalf("%d may be committed, and the record at %d has no verdict", p.low, offset)
					}
				}
				if p.low < low {
					t.Fatalf("the low mark went back from %d to %d", low, p.low)
				}
				low = p.low
				if offset, wanted := p.commit(); wanted {
					p.committed = offset
				}
			},
		})
		for position < end {
			fetch(t)
		}
		for len(buffered) > 0 {
			push(t)
		}
		for len(running) > 0 {
			finish(t)
		}
		offset, wanted := p.commit()
		if wanted {
			p.committed = offset
		}
		if !p.settled(end) || p.lag() != 0 {
			t.Fatalf("all is done, and %+v has lag %d before %d", p, p.lag(), end)
		}
	})
}

// What the group has committed is not known before it is told: until then nothing is committed, or it could
// go back.
func TestNothingIsCommittedBeforeTheGroupHasSpoken(t *testing.T) {
	p := newProgress()
	p.bounds(3, 10)
	if _, wanted := p.commit(); wanted {
		t.Error("committed before the group's offsets were known")
	}
	p.resume(7)
	if offset, wanted := p.commit(); wanted {
		t.Errorf("committed %d, and the group has committed 7", offset)
	}
}
