package mongodb

import (
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/query"
	"feedstream/local/services/mongodb/internal/store"
)

// walk goes through documents that may match a filter.
type walk interface {
	Next() bool
	Document() bsoncore.Document // good until the next call of Next or Close
	Record() uint64
	Err() error
	Close() error
}

// candidates is the cheapest walk that misses no match: one document when the filter names the key of a unique index,
// else the whole collection.
func candidates(v store.View, c store.Collection, filter *query.Filter) (walk, error) {
	for _, x := range c.Indexes {
		key, ok := lookupKey(x, filter.Equalities())
		if !ok {
			continue
		}
		record, found, err := v.Find(c, x, key)
		if err != nil || !found {
			return &single{}, err
		}
		document, err := v.Document(c, record)
		return &single{record: record, document: document}, err
	}
	return v.Documents(c)
}

// lookupKey is the filter's key in a unique index, if it fixes every field of it. Null and arrays do not count: they
// match documents that stand under other keys.
func lookupKey(x store.Index, equalities []query.Equality) (key []byte, ok bool) {
	if !x.Unique {
		return nil, false
	}
	for _, field := range x.Fields() {
		value, found := equalTo(field, equalities)
		if !found || value.Type == bsoncore.TypeNull || value.Type == bsoncore.TypeArray {
			return nil, false
		}
		key = query.AppendKey(key, value)
	}
	return key, true
}

func equalTo(path string, equalities []query.Equality) (bsoncore.Value, bool) {
	for _, e := range equalities {
		if e.Path == path {
			return e.Value, true
		}
	}
	return bsoncore.Value{}, false
}

// single is a walk over at most one document.
type single struct {
	record   uint64
	document bsoncore.Document
	passed   bool
}

func (s *single) Next() bool {
	more := s.document != nil && !s.passed
	s.passed = true
	return more
}

func (s *single) Document() bsoncore.Document { return s.document }
func (s *single) Record() uint64              { return s.record }
func (s *single) Err() error                  { return nil }
func (s *single) Close() error                { return nil }

// find lists the records that match, at most limit of them; 0 is no limit.
func find(v store.View, c store.Collection, filter *query.Filter, limit int) ([]uint64, error) {
	w, err := candidates(v, c, filter)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	var records []uint64
	for w.Next() {
		if !filter.Match(w.Document()) {
			continue
		}
		records = append(records, w.Record())
		if len(records) == limit {
			break
		}
	}
	return records, w.Err()
}
