package store

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
)

// Rows walks over stored rows in scan order.
type Rows interface {
	// Advance moves to the next row, at first to the first one, and tells whether there is one.
	Advance() bool
	// Key and Cells are the row moved to. Both are valid until Advance.
	Key() []byte
	Cells() ([]Cell, error)
	Close() error
}

// storedRows walks over the rows of a table, as they were when the walk began.
type storedRows struct {
	it       *pebble.Iterator
	prefix   int
	reversed bool
	started  bool
	buffer   []Cell
}

// Walk walks over the rows of a table from lower, inclusive, to upper, exclusive or empty for the end. It may leave
// out cells that are older than since, and rows of nothing else.
func (s *Store) Walk(t *Table, lower, upper []byte, reversed bool, since int64) (Rows, error) {
	options := &pebble.IterOptions{
		LowerBound: rowKey(t, lower), UpperBound: endKey(t), PointKeyFilters: writtenSince(since),
	}
	if len(upper) > 0 {
		options.UpperBound = rowKey(t, upper)
	}
	if bytes.Compare(options.LowerBound, options.UpperBound) > 0 {
		options.UpperBound = options.LowerBound
	}
	it, err := s.db.NewIter(options)
	if err != nil {
		return nil, err
	}
	return &storedRows{it: it, prefix: len(rowKey(t, nil)), reversed: reversed}, nil
}

func (r *storedRows) Advance() bool {
	first := !r.started
	r.started = true
	switch {
	case first && r.reversed:
		return r.it.Last()
	case first:
		return r.it.First()
	case r.reversed:
		return r.it.Prev()
	}
	return r.it.Next()
}

func (r *storedRows) Key() []byte { return r.it.Key()[r.prefix:] }

func (r *storedRows) Cells() ([]Cell, error) {
	value, err := r.it.ValueAndErr()
	if err != nil {
		return nil, err
	}
	r.buffer, _, err = decodeRow(r.buffer[:0], value)
	return r.buffer, err
}

func (r *storedRows) Close() error { return r.it.Close() }
