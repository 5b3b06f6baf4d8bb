package phoenix

import (
	"encoding/binary"
	"slices"

	"feedstream/shared/feed"
)

// Batch is the rows of records on their way into HBase. They are the ones that Layout.Rows returns, yet exist
// only as bytes: their keys from the beginning, their cells where they are sent from. A batch may be filled again.
type Batch struct {
	layout *Layout
	rows   []rows
	keys   []byte // of all rows, each behind its length, as it stands in a cell
}

// rows are those of a record, and where the lengths of their keys stand.
type rows struct {
	record           *feed.Record
	data, index, end int
}

const keyLength = 2 // bytes of the length

// Batch returns the rows of each record, in the same order. The records must stay as they are while the batch
// is in use. Of those with the same row key and event time, the one written last wins in HBase, and order
// inside a batch is not defined there: merge them first.
func (l *Layout) Batch(records []feed.Record) *Batch {
	b := &Batch{}
	b.Reset(l)
	for i := range records {
		b.Add(&records[i])
	}
	return b
}

// Reset empties a batch.
func (b *Batch) Reset(l *Layout) {
	clear(b.rows) // what they hold is not kept alive
	b.layout, b.rows, b.keys = l, b.rows[:0], b.keys[:0]
}

// Add adds the rows of one record.
func (b *Batch) Add(r *feed.Record) {
	sender, code := partOf(r.Sender), partOf(r.StockCode)
	indexed := code.after(hashSeed) * hashFactor // a NUL
	dataSalt := bucket(code.after(sender.after(hashSeed)*hashFactor+'|'), b.layout.SaltBuckets)
	indexSalt := bucket(code.after(sender.after(indexed)*hashFactor+'|'), b.layout.IndexSaltBuckets)

	size := len(r.Sender) + 1 + len(r.StockCode)
	keys := slices.Grow(b.keys, 2*(keyLength+1+size)+len(r.StockCode)+1+wide)
	added := rows{record: r, data: len(keys)}
	keys = append(binary.BigEndian.AppendUint16(keys, uint16(1+size)), dataSalt)
	keys = append(append(append(keys, r.Sender...), '|'), r.StockCode...)
	added.index = len(keys)
	keys = append(binary.BigEndian.AppendUint16(keys, uint16(1+len(r.StockCode)+1+size)), indexSalt)
	keys = append(append(keys, r.StockCode...), 0)
	keys = append(keys, keys[added.index-size:added.index]...)
	added.end = len(keys)
	b.rows, b.keys = append(b.rows, added), keys
}

// Len counts the records.
func (b *Batch) Len() int { return len(b.rows) }

// Row returns the rows of the i-th record, which are copies.
func (b *Batch) Row(i int) Row { return b.layout.Row(b.rows[i].record) }

// Data are the rows of the table.
func (b *Batch) Data() Side { return Side{b, false} }

// Index are the rows of the index.
func (b *Batch) Index() Side { return Side{b, true} }

// Side is the data rows or the index rows of a batch. The rows have the numbers of their records.
type Side struct {
	batch *Batch
	index bool
}

// Cells counts the cells of each row.
func (s Side) Cells() int {
	if s.index {
		return 1
	}
	return cellsPerRow
}

// key is the key of a row behind its length. What it lies in goes on for another wide bytes at least.
func (s Side) key(i int) []byte {
	if row := &s.batch.rows[i]; s.index {
		return s.batch.keys[row.index:row.end]
	} else {
		return s.batch.keys[row.data:row.index]
	}
}

// Key is the key of a row. It is part of the batch: nobody may change it, and it lasts until the batch is filled again.
func (s Side) Key(i int) []byte {
	key := s.key(i)
	return key[keyLength:len(key):len(key)]
}

// Size bounds the bytes of a row's cells.
func (s Side) Size(i int) int {
	row := &s.batch.rows[i]
	if s.index {
		return cellFixed + row.end - row.index + len(EmptyColumn) + 1
	}
	r := row.record
	return fixedSize + cellsPerRow*(row.index-row.data) + len(r.StockCode) + len(r.StockName) + len(r.ReferenceVersion) + len(r.Origin.Topic)
}

// Room is how much AppendCells needs for rows one behind the other, so that it need not move them.
func (s Side) Room(rows []int) int {
	room := wide
	for _, i := range rows {
		room += s.Size(i)
	}
	return room
}

// AppendCells appends the cells of a row, each in HBase's KeyValue form. Every one has the event time as its
// timestamp and every column is written, null ones with zero length, so that rows may be written late,
// repeatedly and in any order.
func (s Side) AppendCells(dst []byte, i int) []byte {
	dst = slices.Grow(dst, s.Size(i)+wide)
	r, key := s.batch.rows[i].record, s.key(i)
	if s.index {
		return appendMark(dst, key, r.Time, emptyHead, s.batch.layout.indexCells()[0].Value)
	}
	for n, column := range byQualifier {
		from := len(dst)
		at := appendHead(dst, key, r.Time, &heads[n])
		if column.text != nil { // as append does, by one call instead of three
			dst = append(dst[:at], *column.text(r)...)
		} else {
			dst = column.append(dst[:at], r)
		}
		setLengths(dst[from:], len(dst)-at)
	}
	return appendMark(dst, key, r.Time, emptyHead, dataMark)
}

// A cell in HBase's KeyValue form:
//
//	lengths of key and value, together with their own 8 bytes the length of the whole   3 × 4 bytes
//	key: length of the row, row, length of the family, family, qualifier, timestamp, type
//	value
const (
	cellKey   = 4 + 4 + 4 // where the key begins
	cellPut   = 4         // the type
	cellFixed = cellKey + 1 + len(Family) + 8 + 1
)

// Short texts are copied with what lies behind them, in pieces of one size, which costs less than to copy just
// as much as there is. The next bytes come over it.
const wide = 32

// head is what lies between row and value: family, qualifier, room for the timestamp, type.
type head struct {
	text [wide]byte
	size int
}

func headOf(qualifier string) (h head) {
	h.size = copy(h.text[:], string(rune(len(Family)))+Family+qualifier+"12345678"+string(rune(cellPut)))
	return h
}

// heads are those of byQualifier.
var heads = func() (heads []head) {
	for _, c := range byQualifier {
		heads = append(heads, headOf(c.name))
	}
	return heads
}()

var emptyHead = func() *head { h := headOf(EmptyColumn); return &h }()

// fixedSize bounds what of a data row's cells does not depend on its record's texts.
var fixedSize = func() (size int) {
	for _, c := range byQualifier {
		size += len(c.name)
	}
	return size + len(EmptyColumn) + len(dataMark) + cellsPerRow*cellFixed + decimalMaxLen + timestampLen + 1 + 4 + 8
}()

// appendHead writes a cell but for its lengths and its value behind dst, which has room for it, and returns
// where the value belongs. The row's key has its length before it.
func appendHead(dst, row []byte, timestamp int64, h *head) int {
	at := len(dst) + cellKey
	free := dst[:cap(dst)]
	if len(row) <= wide {
		*(*[wide]byte)(free[at:]) = *(*[wide]byte)(row[:wide])
	} else {
		copy(free[at:], row)
	}
	at += len(row)
	*(*[wide]byte)(free[at:]) = h.text
	at += h.size
	binary.BigEndian.PutUint64(free[at-9:], uint64(timestamp))
	return at
}

// setLengths writes those of a cell and of its value.
func setLengths(cell []byte, value int) {
	whole := uint64(len(cell) - 4)
	key := whole - 8 - uint64(value)
	binary.BigEndian.PutUint64(cell, whole<<32|key)
	binary.BigEndian.PutUint32(cell[8:], uint32(value))
}

// appendMark appends the cell of the empty column.
func appendMark(dst, row []byte, timestamp int64, h *head, mark []byte) []byte {
	from := len(dst)
	dst = append(dst[:appendHead(dst, row, timestamp, h)], mark...)
	setLengths(dst[from:], len(mark))
	return dst
}
