package store

import (
	"bytes"
	"cmp"
	"slices"
)

// Rows that are written again and again by puts alone, as those of a feed are, need not be sorted to be joined: each
// operand is in order, and of each column only the newest puts go on.

// mostOperands bounds what mergePuts looks at for each column of a row.
const mostOperands = 32

// operand is what is left of a stored row, and the cell before it.
type operand struct {
	cell  Cell
	rest  []byte
	ended bool
}

// next moves on to the next cell; false means that it is none, or no put.
func (o *operand) next() bool {
	if o.ended = len(o.rest) == 0; o.ended {
		return true
	}
	var err error
	o.rest, err = o.cell.cut(o.rest)
	return err == nil && o.cell.Kind == KindPut
}

// mergePuts is mergeAll for a few operands of nothing but puts; false means that they are others.
func mergePuts(rows [][]byte) (row []byte, ok bool) {
	var all [mostOperands]operand
	if len(rows) > len(all) {
		return nil, false
	}
	size := 0
	for i, r := range rows {
		if len(r) == 0 {
			return nil, false
		}
		size += len(r)
		if all[i].rest = r[1:]; !all[i].next() {
			return nil, false
		}
	}
	operands, keep := all[:len(rows)], rows[len(rows)-1][0]
	row = append(make([]byte, 0, size), keep)
	var room [8]Cell
	for newest := room[:0]; ; newest = newest[:0] {
		column := firstColumn(operands)
		if column == nil {
			return row, true
		}
		first := *column // its operand moves on
		for i := range operands {
			for o := &operands[i]; !o.ended && SameColumn(o.cell, first); {
				newest = insertPut(newest, &o.cell, int(keep))
				if !o.next() {
					return nil, false
				}
			}
		}
		row = appendCells(row, newest)
	}
}

// firstColumn is a cell of the column that comes first, nil when all operands have ended.
func firstColumn(operands []operand) *Cell {
	var first *Cell
	for i := range operands {
		o := &operands[i]
		if o.ended {
			continue
		}
		if first == nil || cmp.Or(bytes.Compare(o.cell.Family, first.Family),
			bytes.Compare(o.cell.Qualifier, first.Qualifier)) < 0 {
			first = &o.cell
		}
	}
	return first
}

// insertPut puts a cell among those of its column, the newest first and at most keep. Of one timestamp it is the
// younger write.
func insertPut(puts []Cell, c *Cell, keep int) []Cell {
	at := 0
	for at < len(puts) && puts[at].Timestamp > c.Timestamp {
		at++
	}
	switch {
	case at < len(puts) && puts[at].Timestamp == c.Timestamp:
		puts[at] = *c
	case at < keep:
		puts = slices.Insert(puts[:min(len(puts), keep-1)], at, *c)
	}
	return puts
}
