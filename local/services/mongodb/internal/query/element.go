package query

import (
	"bytes"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// element is one field of a document or one item of an array.
type element struct {
	key   []byte
	value bsoncore.Value
	raw   []byte // type, key and value
}

// cursor walks the elements of a checked document or array without copying.
type cursor struct{ rest []byte }

func elements(document []byte) cursor {
	if len(document) < 5 {
		return cursor{}
	}
	return cursor{document[4 : len(document)-1]}
}

func (c *cursor) next() (element, bool) {
	if len(c.rest) == 0 {
		return element{}, false
	}
	raw, rest, ok := bsoncore.ReadElement(c.rest)
	if !ok {
		return element{}, false
	}
	c.rest = rest
	end := 1 + bytes.IndexByte(raw[1:], 0)
	return element{
		key:   raw[1:end],
		value: bsoncore.Value{Type: bsoncore.Type(raw[0]), Data: raw[end+1:]},
		raw:   raw,
	}, true
}

// At is the value at a dotted path through documents. It is without type when there is none.
func At(document bsoncore.Document, path string) bsoncore.Value {
	return valueAt(document, strings.Split(path, "."))
}

// Lookup is the value of the document's field of that name, without looking into dotted paths. It is without type
// when the field is absent.
func Lookup(document bsoncore.Document, name string) bsoncore.Value {
	for c := elements(document); ; {
		e, ok := c.next()
		if !ok {
			return missing
		}
		if string(e.key) == name {
			return e.value
		}
	}
}

// Elements calls visit for each field of the document in order until visit returns an error, which it returns.
func Elements(document []byte, visit func(key string, value bsoncore.Value) error) error {
	for c := elements(document); ; {
		e, ok := c.next()
		if !ok {
			return nil
		}
		if err := visit(string(e.key), e.value); err != nil {
			return err
		}
	}
}
