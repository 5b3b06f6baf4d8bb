package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// Rows that are written again and again by puts alone, as those of a feed are, need not be decoded to be joined: each
// operand is in order, of each column only the newest puts go on, and those go on as they lie.

// mostOperands bounds what mergePuts looks at for each column of a row.
const mostOperands = 32

// operand is what is left of a stored row, and the put before it.
type operand struct {
	put    put
	column []byte // family and qualifier of the put, as stored
	rest   []byte
	ended  bool
}

// put is a cell as stored.
type put struct {
	stored    []byte
	timestamp int64
}

// next moves on to the next cell; false means that it is none, or no put. like is the column that it is likely of.
func (o *operand) next(like []byte) bool {
	if o.ended = len(o.rest) == 0; o.ended {
		return true
	}
	if len(like) > 0 && bytes.HasPrefix(o.rest, like) {
		o.column = o.rest[:len(like)]
	} else {
		_, behind, _ := cutField(o.rest)
		_, behind, ok := cutField(behind)
		if !ok {
			return false
		}
		o.column = o.rest[:len(o.rest)-len(behind)]
	}
	b := o.rest[len(o.column):]
	if len(b) < 9 || b[8] != KindPut {
		return false
	}
	_, behind, ok := cutField(b[9:])
	if !ok {
		return false
	}
	o.put = put{o.rest[:len(o.rest)-len(behind)], int64(binary.BigEndian.Uint64(b))}
	o.rest = behind
	return true
}

// mergePuts appends to dst what mergeAll returns for a few operands of nothing but puts; false means that they are
// others. It uses operands, which has room for as many as there are rows.
func mergePuts(dst []byte, operands []operand, rows [][]byte) (row []byte, ok bool) {
	operands = operands[:len(rows)]
	var likely []byte
	for i, r := range rows {
		if len(r) == 0 {
			return nil, false
		}
		operands[i] = operand{rest: r[1:]}
		if !operands[i].next(likely) {
			return nil, false
		}
		likely = operands[0].column
	}
	keep := rows[len(rows)-1][0]
	dst = append(dst, keep)
	var room [8]put
	for newest := room[:0]; ; newest = newest[:0] {
		column := firstColumn(operands)
		if column == nil {
			return dst, true
		}
		for i := len(operands) - 1; i >= 0; i-- { // from the youngest on, since most of the others are dropped
			for o := &operands[i]; !o.ended && bytes.Equal(o.column, column); {
				newest = insertPut(newest, o.put, int(keep))
				if !o.next(operands[0].column) { // they are of the same columns, mostly
					return nil, false
				}
			}
		}
		for i := range newest {
			dst = append(dst, newest[i].stored...)
		}
	}
}

// firstColumn is the column that comes first, nil when all operands have ended.
func firstColumn(operands []operand) (first []byte) {
	for i := range operands {
		if o := &operands[i]; !o.ended && (first == nil || !bytes.Equal(o.column, first) && compareColumns(o.column, first) < 0) {
			first = o.column
		}
	}
	return first
}

// compareColumns orders stored columns as compareCells does.
func compareColumns(a, b []byte) int {
	familyA, a, _ := cutField(a)
	familyB, b, _ := cutField(b)
	qualifierA, _, _ := cutField(a)
	qualifierB, _, _ := cutField(b)
	return cmp.Or(bytes.Compare(familyA, familyB), bytes.Compare(qualifierA, qualifierB))
}

// insertPut puts one among those of its column, the newest first and at most keep, unless one of its timestamp is there.
func insertPut(puts []put, p put, keep int) []put {
	at := 0
	for at < len(puts) && puts[at].timestamp > p.timestamp {
		at++
	}
	if at == keep || at < len(puts) && puts[at].timestamp == p.timestamp {
		return puts
	}
	return slices.Insert(puts[:min(len(puts), keep-1)], at, p)
}
