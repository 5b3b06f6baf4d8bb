package store

import (
	"bytes"
	"cmp"
	"slices"
)

// Kinds of cells as HBase numbers them; within one timestamp the higher type sorts first.
const (
	KindPut                 = 4
	KindDelete              = 8
	KindDeleteFamilyVersion = 10
	KindDeleteColumn        = 12
	KindDeleteFamily        = 14
)

// Cell is one value or tombstone of a row. Its slices are only as durable as the buffer it was decoded from.
type Cell struct {
	Family    []byte
	Qualifier []byte
	Timestamp int64
	Kind      byte
	Value     []byte
}

// compareCells orders as HBase does: family, qualifier, newest timestamp first, tombstones before puts.
func compareCells(a, b *Cell) int {
	if c := bytes.Compare(a.Family, b.Family); c != 0 {
		return c
	}
	if c := bytes.Compare(a.Qualifier, b.Qualifier); c != 0 {
		return c
	}
	if c := cmp.Compare(b.Timestamp, a.Timestamp); c != 0 {
		return c
	}
	return cmp.Compare(b.Kind, a.Kind)
}

// SameColumn tells whether two cells of a row are versions of one value.
func SameColumn(a, b Cell) bool {
	return bytes.Equal(a.Qualifier, b.Qualifier) && bytes.Equal(a.Family, b.Family)
}

// canonical sorts the cells of one row, of which later ones are the younger writes, and removes what no read can
// show any more: puts under a tombstone, all but the last write of one timestamp, tombstones under wider ones, and
// puts beyond the newest keep of a column. Tombstones themselves stay for ever.
//
// It is idempotent, and canonical(canonical(a)+canonical(b)) = canonical(a+b), so it may run on any part of a
// row's history, which is what Pebble's merges need.
func canonical(cells []Cell, keep int) []Cell {
	if onePutEach(cells) {
		return cells
	}
	cells = sorted(cells)
	out := cells[:0]
	for len(cells) > 0 {
		n := 1
		for n < len(cells) && bytes.Equal(cells[n].Family, cells[0].Family) {
			n++
		}
		out = appendFamily(out, cells[:n], keep)
		cells = cells[n:]
	}
	return out
}

// onePutEach tells of puts of one column each, in order, as most writes are: they are canonical.
func onePutEach(cells []Cell) bool {
	for i := range cells {
		if cells[i].Kind != KindPut {
			return false
		}
		if i > 0 && cmp.Or(bytes.Compare(cells[i-1].Family, cells[i].Family),
			bytes.Compare(cells[i-1].Qualifier, cells[i].Qualifier)) >= 0 {
			return false
		}
	}
	return true
}

// sorted puts cells in order, of equal ones the later first. It sorts numbers, because moving cells is slow: they
// are large and full of pointers.
func sorted(cells []Cell) []Cell {
	inOrder := true
	for i := 1; i < len(cells) && inOrder; i++ {
		inOrder = compareCells(&cells[i-1], &cells[i]) < 0
	}
	if inOrder {
		return cells
	}
	var few [64]int32 // enough for the cells of nearly every row
	order := few[:]
	if len(cells) > len(few) {
		order = make([]int32, len(cells))
	}
	order = order[:len(cells)]
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		if c := compareCells(&cells[a], &cells[b]); c != 0 {
			return c
		}
		return cmp.Compare(b, a)
	})
	arrange(cells, order)
	return cells
}

// arrange moves the cell at order[i] to i, for every i, each once and within the slice. It uses order up.
func arrange(cells []Cell, order []int32) {
	for i := range order {
		if order[i] == int32(i) {
			continue
		}
		first, at := cells[i], int32(i)
		for {
			from := order[at]
			order[at] = at
			if from == int32(i) {
				break
			}
			cells[at] = cells[from]
			at = from
		}
		cells[at] = first
	}
}

// appendFamily is canonical for the sorted cells of one family. out may share its array with cells, behind them.
func appendFamily(out, cells []Cell, keep int) []Cell {
	var wide tombstones
	for _, c := range cells {
		switch c.Kind {
		case KindDeleteFamily:
			wide.below(c.Timestamp)
		case KindDeleteFamilyVersion:
			wide.at(c.Timestamp)
		}
	}
	var narrow tombstones
	var previous Cell
	puts := 0
	for i, c := range cells {
		if i == 0 || !bytes.Equal(c.Qualifier, previous.Qualifier) {
			narrow, puts = tombstones{}, 0
		} else if c.Timestamp == previous.Timestamp && c.Kind == previous.Kind {
			continue
		}
		previous = c
		switch c.Kind {
		case KindDeleteFamily:
			if c.Timestamp < wide.until() {
				continue
			}
		case KindDeleteFamilyVersion:
			if c.Timestamp <= wide.until() {
				continue
			}
		case KindDeleteColumn:
			if c.Timestamp <= max(wide.until(), narrow.until()) {
				continue
			}
			narrow.below(c.Timestamp)
		case KindDelete:
			if wide.hide(c.Timestamp) || narrow.hide(c.Timestamp) {
				continue
			}
			narrow.at(c.Timestamp)
		default:
			if wide.hide(c.Timestamp) || narrow.hide(c.Timestamp) || puts == keep {
				continue
			}
			puts++
		}
		out = append(out, c)
	}
	return out
}

// tombstones tells which timestamps of a column or family are deleted.
type tombstones struct {
	any      bool
	limit    int64   // everything at or before it, when any is set
	versions []int64 // newest first, as sorted cells come
}

func (t *tombstones) below(timestamp int64) {
	if !t.any || timestamp > t.limit {
		t.any, t.limit = true, timestamp
	}
}

func (t *tombstones) at(timestamp int64) { t.versions = append(t.versions, timestamp) }

// until is the newest timestamp up to which everything is deleted, below every timestamp when nothing is.
func (t *tombstones) until() int64 {
	if !t.any {
		return -1
	}
	return t.limit
}

func (t *tombstones) hide(timestamp int64) bool {
	if t.any && timestamp <= t.limit {
		return true
	}
	newestFirst := func(have, want int64) int { return cmp.Compare(want, have) }
	_, found := slices.BinarySearchFunc(t.versions, timestamp, newestFirst)
	return found
}
