package phoenix

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"feedstream/shared/feed"
)

// Layout is how a table and its index are stored. It comes from Preflight, never from assumption.
type Layout struct {
	Table, Index string // Phoenix names, which are the names in HBase too: USER_TEST.STOCK
	// SaltBuckets and IndexSaltBuckets are the bucket counts, 1 to MaxSaltBuckets.
	SaltBuckets, IndexSaltBuckets int
	// Uncovered says that the index is an uncovered one, whose rows Phoenix checks against the table
	// on every read; otherwise it is a plain one.
	Uncovered bool
	// Fingerprint is that of the catalog headers the layout was read from.
	Fingerprint string
}

// The values of the empty column. Phoenix trusts a verified index row of a plain index; the rows of
// an uncovered index carry the unverified mark and are always checked.
var (
	dataMark       = []byte("x")
	verifiedMark   = []Cell{{Qualifier: EmptyColumn, Value: []byte{1}}}
	unverifiedMark = []Cell{{Qualifier: EmptyColumn, Value: []byte{2}}}
)

// cellsPerRow counts the cells of a data row: all columns and the empty column.
var cellsPerRow = len(columns) + 1

// Row returns the rows of one record. For many records Rows is far cheaper.
func (l *Layout) Row(r *feed.Record) Row { return l.Rows([]feed.Record{*r})[0] }

// Rows returns the rows of each record, in the same order. Every cell has the event time as its
// timestamp and every column is written, null ones with zero length, so that rows may be written
// late, repeatedly and in any order. The rows share two blocks of memory.
//
// Of records with the same row key and event time, the one written last wins in HBase, and order
// inside a batch is not defined there: merge them first.
func (l *Layout) Rows(records []feed.Record) []Row {
	size := 0
	for i := range records {
		size += rowSize(&records[i])
	}
	b := builder{bytes: make([]byte, 0, size), cells: make([]Cell, 0, cellsPerRow*len(records))}
	rows := make([]Row, len(records))
	for i := range records {
		rows[i] = l.build(&b, &records[i])
	}
	return rows
}

// rowSize bounds the bytes of a record's keys and values.
func rowSize(r *feed.Record) int {
	key := len(r.Sender) + 1 + len(r.StockCode)
	const salts, separator = 2, 1
	fixed := timestampLen + 1 + 4 + 8
	if r.LastPrice != nil {
		fixed += decimalMaxLen
	}
	return 2*key + 2*len(r.StockCode) + salts + separator + fixed +
		len(r.StockName) + len(r.ReferenceVersion) + len(r.Origin.Topic)
}

// builder collects the bytes and cells of many rows. Should a bound be too small, append moves to a
// new block and what was handed out before stays valid.
type builder struct {
	bytes []byte
	cells []Cell
}

// since returns what was appended after start; its capacity ends there too.
func (b *builder) since(start int) []byte { return b.bytes[start:len(b.bytes):len(b.bytes)] }

func (l *Layout) build(b *builder, r *feed.Record) Row {
	start := len(b.bytes)
	b.bytes = append(b.bytes, 0)
	b.bytes = append(b.bytes, r.Sender...)
	b.bytes = append(b.bytes, '|')
	b.bytes = append(b.bytes, r.StockCode...)
	key := b.since(start)
	rowKey := key[1:]
	key[0] = Salt(rowKey, l.SaltBuckets)

	start = len(b.bytes)
	b.bytes = append(b.bytes, 0)
	b.bytes = append(b.bytes, r.StockCode...)
	b.bytes = append(b.bytes, 0)
	b.bytes = append(b.bytes, rowKey...)
	indexKey := b.since(start)
	indexKey[0] = Salt(indexKey[1:], l.IndexSaltBuckets)

	return Row{
		Data:  Put{Key: key, Timestamp: r.Time, Cells: b.columns(r)},
		Index: Put{Key: indexKey, Timestamp: r.Time, Cells: l.indexCells()},
	}
}

// columns appends the cells of the data row, in the order of their qualifiers.
func (b *builder) columns(r *feed.Record) []Cell {
	first := len(b.cells)
	for _, c := range byQualifier {
		start := len(b.bytes)
		b.bytes = c.append(b.bytes, r)
		b.cells = append(b.cells, Cell{Qualifier: c.name, Value: b.since(start)})
	}
	b.cells = append(b.cells, Cell{Qualifier: EmptyColumn, Value: dataMark})
	return b.cells[first:len(b.cells):len(b.cells)]
}

func (l *Layout) indexCells() []Cell {
	if l.Uncovered {
		return unverifiedMark
	}
	return verifiedMark
}

// DataKey returns the HBase key of a row key "<sender>|<stock code>".
func (l *Layout) DataKey(rowKey string) []byte {
	key := append(make([]byte, 1, 1+len(rowKey)), rowKey...)
	key[0] = Salt(key[1:], l.SaltBuckets)
	return key
}

// IndexRanges returns the ranges that together hold every index row of a stock code, one for each
// salt of the index. Inside one range the rows ascend by row key.
func (l *Layout) IndexRanges(code string) []Range {
	ranges := make([]Range, l.IndexSaltBuckets)
	for salt := range ranges {
		start := append([]byte{byte(salt)}, code...)
		stop := append(bytes.Clone(start), 1)
		ranges[salt] = Range{Start: append(start, 0), Stop: stop}
	}
	return ranges
}

// ParseIndexKey takes the key of an index row apart. A row without a stock code has an empty one.
func (l *Layout) ParseIndexKey(key []byte) (code, rowKey string, err error) {
	if len(key) == 0 {
		return "", "", errors.New("read index key: it is empty")
	}
	before, after, found := strings.Cut(string(key[1:]), "\x00")
	switch {
	case !found || after == "" || strings.Contains(after, "\x00"):
		return "", "", fmt.Errorf("read index key %q: it is not a salt, a stock code, NUL, a row key", key)
	case !utf8.Valid(key[1:]):
		return "", "", fmt.Errorf("read index key %q: it is not UTF-8", key)
	case key[0] != Salt(key[1:], l.IndexSaltBuckets):
		return "", "", fmt.Errorf("read index key %q: its salt is %d, not that of %d buckets",
			key, key[0], l.IndexSaltBuckets)
	}
	return before, after, nil
}

// ParseDataKey returns the row key "<sender>|<stock code>" of a data row's HBase key.
func (l *Layout) ParseDataKey(key []byte) (string, error) {
	if len(key) < 2 {
		return "", fmt.Errorf("read row key %q: it is too short for a salt and a key", key)
	}
	if key[0] != Salt(key[1:], l.SaltBuckets) {
		return "", fmt.Errorf("read row key %q: its salt is %d, not that of %d buckets", key, key[0], l.SaltBuckets)
	}
	if !utf8.Valid(key[1:]) {
		return "", fmt.Errorf("read row key %q: it is not UTF-8", key)
	}
	return string(key[1:]), nil
}
