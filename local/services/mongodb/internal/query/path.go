package query

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/failure"
)

// valueAt is the value at a path through documents only. It is without type when there is none.
func valueAt(document []byte, path []string) bsoncore.Value {
	value := Lookup(document, path[0])
	if len(path) == 1 {
		return value
	}
	if value.Type != bsoncore.TypeEmbeddedDocument {
		return missing
	}
	return valueAt(value.Data, path[1:])
}

// put gives the document with the value at the path. Missing documents on the way are made; a new field comes last.
func put(document bsoncore.Document, path []string, value bsoncore.Value) (bsoncore.Document, error) {
	start, dst := bsoncore.AppendDocumentStart(make([]byte, 0, len(document)+len(value.Data)+16))
	found := false
	for c := elements(document); ; {
		e, ok := c.next()
		if !ok {
			break
		}
		if found || string(e.key) != path[0] {
			dst = append(dst, e.raw...)
			continue
		}
		found = true
		replaced, err := putInto(e, path, value)
		if err != nil {
			return nil, err
		}
		dst = bsoncore.AppendValueElement(dst, path[0], replaced)
	}
	if !found {
		for i := len(path) - 1; i > 0; i-- {
			value = operand(path[i], value)
		}
		dst = bsoncore.AppendValueElement(dst, path[0], value)
	}
	dst, _ = bsoncore.AppendDocumentEnd(dst, start)
	return dst, nil
}

func putInto(e element, path []string, value bsoncore.Value) (bsoncore.Value, error) {
	if len(path) == 1 {
		return value, nil
	}
	switch e.value.Type {
	case bsoncore.TypeEmbeddedDocument:
		inner, err := put(e.value.Data, path[1:], value)
		return bsoncore.Value{Type: bsoncore.TypeEmbeddedDocument, Data: inner}, err
	case bsoncore.TypeArray:
		return missing, failure.Unsupported("an update inside an array (path %s)", strings.Join(path, "."))
	}
	return missing, failure.New(failure.PathNotViable, "Cannot create field '%s' in element {%s: %s}",
		path[1], path[0], e.value)
}

// remove gives the document without the value at the path. Where there is none the document stays as it is.
func remove(document bsoncore.Document, path []string) bsoncore.Document {
	if valueAt(document, path).Type == 0 {
		return document
	}
	start, dst := bsoncore.AppendDocumentStart(make([]byte, 0, len(document)))
	for c := elements(document); ; {
		e, ok := c.next()
		if !ok {
			break
		}
		switch {
		case string(e.key) != path[0]:
			dst = append(dst, e.raw...)
		case len(path) > 1:
			dst = bsoncore.AppendDocumentElement(dst, path[0], remove(e.value.Data, path[1:]))
		}
	}
	dst, _ = bsoncore.AppendDocumentEnd(dst, start)
	return dst
}
