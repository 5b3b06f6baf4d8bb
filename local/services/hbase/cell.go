package hbase

import (
	"bytes"
	"cmp"
	"slices"
)

// Cell types as HBase numbers them; within one timestamp the higher type sorts first.
const (
	typePut                 = 4
	typeDelete              = 8
	typeDeleteFamilyVersion = 10
	typeDeleteColumn        = 12
	typeDeleteFamily        = 14
)

// cell is one value or tombstone of a row. Its slices are only as durable as the buffer it was decoded from.
type cell struct {
	family    []byte
	qualifier []byte
	timestamp int64
	kind      byte
	value     []byte
}

// compareCells orders as HBase does: family, qualifier, newest timestamp first, tombstones before puts.
func compareCells(a, b *cell) int {
	if c := bytes.Compare(a.family, b.family); c != 0 {
		return c
	}
	if c := bytes.Compare(a.qualifier, b.qualifier); c != 0 {
		return c
	}
	if c := cmp.Compare(b.timestamp, a.timestamp); c != 0 {
		return c
	}
	return cmp.Compare(b.kind, a.kind)
}

func sameColumn(a, b cell) bool {
	return bytes.Equal(a.qualifier, b.qualifier) && bytes.Equal(a.family, b.family)
}

// canonical sorts the cells of one row, of which later ones are the younger writes, and removes what no read can
// show any more: puts under a tombstone, all but the last write of one timestamp, tombstones under wider ones, and
// puts beyond the newest keep of a column. Tombstones themselves stay for ever.
//
// It is idempotent, and canonical(canonical(a)+canonical(b)) = canonical(a+b), so it may run on any part of a
// row's history, which is what Pebble's merges need.
func canonical(cells []cell, keep int) []cell {
	cells = sorted(cells)
	out := cells[:0]
	for len(cells) > 0 {
		n := 1
		for n < len(cells) && bytes.Equal(cells[n].family, cells[0].family) {
			n++
		}
		out = appendFamily(out, cells[:n], keep)
		cells = cells[n:]
	}
	return out
}

// sorted puts cells in order, of equal ones the later first. It sorts numbers, because moving cells is slow: they
// are large and full of pointers.
func sorted(cells []cell) []cell {
	inOrder := true
	for i := 1; i < len(cells) && inOrder; i++ {
		inOrder = compareCells(&cells[i-1], &cells[i]) < 0
	}
	if inOrder {
		return cells
	}
	order := make([]int32, len(cells))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		if c := compareCells(&cells[a], &cells[b]); c != 0 {
			return c
		}
		return cmp.Compare(b, a)
	})
	out := make([]cell, len(cells))
	for i, at := range order {
		out[i] = cells[at]
	}
	return out
}

// appendFamily is canonical for the sorted cells of one family. out may share its array with cells, behind them.
func appendFamily(out, cells []cell, keep int) []cell {
	var wide tombstones
	for _, c := range cells {
		switch c.kind {
		case typeDeleteFamily:
			wide.below(c.timestamp)
		case typeDeleteFamilyVersion:
			wide.at(c.timestamp)
		}
	}
	var narrow tombstones
	var previous cell
	puts := 0
	for i, c := range cells {
		if i == 0 || !bytes.Equal(c.qualifier, previous.qualifier) {
			narrow, puts = tombstones{}, 0
		} else if c.timestamp == previous.timestamp && c.kind == previous.kind {
			continue
		}
		previous = c
		switch c.kind {
		case typeDeleteFamily:
			if c.timestamp < wide.until() {
				continue
			}
		case typeDeleteFamilyVersion:
			if c.timestamp <= wide.until() {
				continue
			}
		case typeDeleteColumn:
			if c.timestamp <= max(wide.until(), narrow.until()) {
				continue
			}
			narrow.below(c.timestamp)
		case typeDelete:
			if wide.hide(c.timestamp) || narrow.hide(c.timestamp) {
				continue
			}
			narrow.at(c.timestamp)
		default:
			if wide.hide(c.timestamp) || narrow.hide(c.timestamp) || puts == keep {
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
	limit    int64 // everything at or before it, when any is set
	versions []int64
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
	return t.any && timestamp <= t.limit || slices.Contains(t.versions, timestamp)
}
