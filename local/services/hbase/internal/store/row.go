package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// A row is stored as one Pebble value: a byte that says how many puts of a column to keep, then the cells in
// canonical order, each as
//
//	uvarint length, family; uvarint length, qualifier; 8 bytes timestamp; 1 byte type; uvarint length, value
//
// A write is a Pebble merge operand of the same form, so it needs no read; Pebble joins the operands when it reads
// or compacts.

var errBadRow = errors.New("stored row is damaged")

// rowSize is the length of what appendRow writes.
func rowSize(cells []Cell) int {
	n := 1
	for i := range cells {
		c := &cells[i]
		n += fieldSize(c.Family) + fieldSize(c.Qualifier) + 8 + 1 + fieldSize(c.Value)
	}
	return n
}

func fieldSize(b []byte) int {
	n := 1
	for l := len(b); l >= 0x80; l >>= 7 {
		n++
	}
	return n + len(b)
}

func appendRow(b []byte, keep byte, cells []Cell) []byte {
	b = append(b, keep)
	return appendCells(b, cells)
}

func appendCells(b []byte, cells []Cell) []byte {
	for i := range cells {
		c := &cells[i]
		b = appendField(b, c.Family)
		b = appendField(b, c.Qualifier)
		b = binary.BigEndian.AppendUint64(b, uint64(c.Timestamp))
		b = append(b, c.Kind)
		b = appendField(b, c.Value)
	}
	return b
}

func appendField(b, field []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(field)))
	return append(b, field...)
}

// decodeRow appends the cells of a stored row to cells. They point into b.
func decodeRow(cells []Cell, b []byte) (_ []Cell, keep byte, err error) {
	if len(b) == 0 {
		return nil, 0, errBadRow
	}
	keep, b = b[0], b[1:]
	for len(b) > 0 {
		var c Cell
		if b, err = c.cut(b); err != nil {
			return nil, 0, err
		}
		cells = append(cells, c)
	}
	return cells, keep, nil
}

// cut reads the first of the cells in b and returns the rest of them.
func (c *Cell) cut(b []byte) (rest []byte, err error) {
	var ok bool
	if c.Family, b, ok = cutField(b); !ok {
		return nil, errBadRow
	}
	if c.Qualifier, b, ok = cutField(b); !ok || len(b) < 9 {
		return nil, errBadRow
	}
	c.Timestamp, c.Kind, b = int64(binary.BigEndian.Uint64(b)), b[8], b[9:]
	if c.Value, b, ok = cutField(b); !ok {
		return nil, errBadRow
	}
	return b, nil
}

func cutField(b []byte) (field, rest []byte, ok bool) {
	l, n := binary.Uvarint(b)
	if n <= 0 || uint64(len(b)-n) < l {
		return nil, nil, false
	}
	end := n + int(l)
	return b[n:end:end], b[end:], true
}

// rowMerger joins the operands of rows. Its name is stored in the database, which refuses to open under another.
func rowMerger() *pebble.Merger {
	return &pebble.Merger{
		Name: "feedstream.hbase.row.1",
		Merge: func(key, value []byte) (pebble.ValueMerger, error) {
			m := merges.Get().(*merge)
			m.key = append(m.key[:0], key...)
			m.newer, m.older, m.room = m.newer[:0], m.older[:0], m.room[:0]
			return m, m.MergeNewer(value)
		},
	}
}

// merges are those that nobody uses. A flush makes one for each row.
var merges = sync.Pool{New: func() any { return new(merge) }}

// mostRoom is what a merge keeps of its room for the next one.
const mostRoom = 64 << 10

// merge collects the operands of one row, in both directions from the one it began with.
type merge struct {
	key      []byte
	newer    [][]byte // from the first operand on
	older    [][]byte // from the first operand back
	room     []byte   // the operands lie here one behind the other, in arrays that it outgrew too, and then the row
	operands [mostOperands]operand
}

// copied is an operand that outlives its call.
func (m *merge) copied(value []byte) []byte {
	from := len(m.room)
	m.room = append(m.room, value...)
	return m.room[from:len(m.room):len(m.room)]
}

func (m *merge) MergeNewer(value []byte) error {
	m.newer = append(m.newer, m.copied(value))
	return nil
}

func (m *merge) MergeOlder(value []byte) error {
	m.older = append(m.older, m.copied(value))
	return nil
}

// Finish returns the row and, where that lies in the room of the merge, what gives the room back.
func (m *merge) Finish(bool) ([]byte, io.Closer, error) {
	slices.Reverse(m.older)
	m.older = append(m.older, m.newer...)
	if len(m.older) == 1 {
		return m.older[0], m, nil
	}
	if len(m.older) <= mostOperands {
		from := len(m.room)
		if room, ok := mergePuts(m.room, m.operands[:], m.older); ok {
			m.room = room
			return room[from:], m, nil
		}
	}
	row, err := mergeAll(m.older)
	if err != nil {
		return nil, nil, fmt.Errorf("merge row %x: %w", m.key, err)
	}
	return row, m, nil
}

// Close ends the use of what Finish returned.
func (m *merge) Close() error {
	if cap(m.room) <= mostRoom {
		merges.Put(m)
	}
	return nil
}

// mergeAll joins operands, of which later ones are the younger writes, whatever they hold.
func mergeAll(operands [][]byte) ([]byte, error) {
	var cells []Cell
	var keep byte
	for _, operand := range operands {
		var err error
		if cells, keep, err = decodeRow(cells, operand); err != nil {
			return nil, err
		}
	}
	cells = canonical(cells, int(keep))
	return appendRow(make([]byte, 0, rowSize(cells)), keep, cells), nil
}
