package query

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/failure"
)

// Sort is a compiled sort order.
type Sort []sortField

type sortField struct {
	path       []string
	descending bool
}

// CompileSort compiles a sort document of fields and directions 1 or -1. An empty one yields a Sort of length zero,
// which leaves documents in the order of their insertion, as does {$natural: 1}.
func CompileSort(spec bsoncore.Document) (Sort, error) {
	var s Sort
	err := Elements(spec, func(path string, v bsoncore.Value) error {
		direction := Direction(v)
		switch {
		case path == "$natural" && direction == 1 && len(s) == 0:
			return nil
		case path == "$natural":
			return failure.Unsupported("sorting by $natural other than {$natural: 1}")
		case v.Type == bsoncore.TypeEmbeddedDocument:
			return failure.Unsupported("sorting by an expression such as $meta")
		case direction == 0:
			return failure.New(failure.BadValue, "$sort key ordering must be 1 (for ascending) or -1 (for descending)")
		}
		if err := checkPath(path); err != nil {
			return err
		}
		s = append(s, sortField{strings.Split(path, "."), direction < 0})
		return nil
	})
	return s, err
}

// Direction reads a direction of a sort or an index: 1, -1, or 0 when v is neither.
func Direction(v bsoncore.Value) int {
	n, ok := integer(v)
	if v.Type == bsoncore.TypeDouble {
		n, ok = int64(double(v)), double(v) == 1 || double(v) == -1
	}
	if !ok || n != 1 && n != -1 {
		return 0
	}
	return int(n)
}

// Apply sorts the documents in place. Equal ones keep their order.
func (s Sort) Apply(documents []bsoncore.Document) {
	type keyed struct {
		document bsoncore.Document
		key      []bsoncore.Value
	}
	rows := make([]keyed, len(documents))
	for i, document := range documents {
		rows[i] = keyed{document, s.key(document)}
	}
	slices.SortStableFunc(rows, func(a, b keyed) int {
		for i, field := range s {
			if c := Compare(a.key[i], b.key[i]); c != 0 {
				if field.descending {
					return -c
				}
				return c
			}
		}
		return 0
	})
	for i, row := range rows {
		documents[i] = row.document
	}
}

// key is what a document is sorted by: of an array its least item, or its greatest when descending.
func (s Sort) key(document bsoncore.Document) []bsoncore.Value {
	key := make([]bsoncore.Value, len(s))
	for i, field := range s {
		first := true
		sortValues(document, field.path, func(v bsoncore.Value) {
			if c := Compare(v, key[i]); first || c < 0 != field.descending && c != 0 {
				key[i], first = v, false
			}
		})
	}
	return key
}
