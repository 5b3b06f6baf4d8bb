package query

import (
	"encoding/binary"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/failure"
)

// AppendKey appends bytes that two values share exactly when Compare calls them equal: 1, 1.0 and decimal 1.00 have
// one key. No key is the beginning of another, so keys can be put side by side. Keys have no order.
func AppendKey(dst []byte, v bsoncore.Value) []byte {
	dst = append(dst, byte(rank(v.Type)+1))
	switch v.Type {
	case bsoncore.TypeDouble, bsoncore.TypeInt32, bsoncore.TypeInt64, bsoncore.TypeDecimal128:
		return appendNumber(dst, v)
	case bsoncore.TypeString, bsoncore.TypeSymbol, bsoncore.TypeJavaScript:
		return appendSized(dst, text(v))
	case bsoncore.TypeEmbeddedDocument, bsoncore.TypeArray:
		return appendDocument(dst, v.Data, v.Type == bsoncore.TypeEmbeddedDocument)
	case bsoncore.TypeCodeWithScope:
		code, scope := v.CodeWithScope()
		return appendDocument(appendSized(dst, []byte(code)), scope, true)
	}
	return appendSized(dst, v.Data)
}

func appendSized(dst, data []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(data))), data...)
}

func appendDocument(dst, document []byte, names bool) []byte {
	for c := elements(document); ; {
		e, ok := c.next()
		if !ok {
			return append(dst, 0xFF) // no rank + 1 is 0xFF
		}
		var name []byte
		if names {
			name = e.key
		}
		dst = appendSized(AppendKey(dst, e.value), name)
	}
}

// IndexKeys lists the keys under which a document stands in an index on the given fields: one, or one for each item
// when a field holds an array. An absent field counts as null. Two fields with arrays are refused, as by MongoDB.
func IndexKeys(document bsoncore.Document, fields []string) ([][]byte, error) {
	keys := [][]byte{nil}
	array := ""
	for _, field := range fields {
		values := fieldKeys(document, field)
		if len(values) > 1 && array != "" {
			return nil, failure.New(failure.CannotIndexParallelArrays,
				"cannot index parallel arrays [%s] [%s]", field, array)
		}
		if len(values) > 1 {
			array = field
		}
		var product [][]byte
		for _, key := range keys {
			for value := range values {
				product = append(product, append(key[:len(key):len(key)], value...))
			}
		}
		keys = product
	}
	return keys, nil
}

func fieldKeys(document bsoncore.Document, field string) map[string]bool {
	keys := map[string]bool{}
	sortValues(document, strings.Split(field, "."), func(v bsoncore.Value) {
		keys[string(AppendKey(nil, v))] = true
	})
	return keys
}

// sortValues visits the values by which a document is sorted and indexed at a path: a scalar, each item of an array,
// undefined for an empty array, null where there is nothing.
func sortValues(document []byte, path []string, visit func(bsoncore.Value)) {
	value := Lookup(document, path[0])
	if len(path) == 1 {
		visitLeaf(value, visit)
		return
	}
	switch value.Type {
	case bsoncore.TypeEmbeddedDocument:
		sortValues(value.Data, path[1:], visit)
	case bsoncore.TypeArray:
		visited := false
		for c := elements(value.Data); ; visited = true {
			e, ok := c.next()
			if !ok {
				break
			}
			if e.value.Type == bsoncore.TypeEmbeddedDocument {
				sortValues(e.value.Data, path[1:], visit)
			} else {
				visit(null)
			}
		}
		if !visited {
			visit(null)
		}
	default:
		visit(null)
	}
}

func visitLeaf(value bsoncore.Value, visit func(bsoncore.Value)) {
	switch value.Type {
	case 0:
		visit(null)
	case bsoncore.TypeArray:
		c := elements(value.Data)
		e, ok := c.next()
		if !ok {
			visit(bsoncore.Value{Type: bsoncore.TypeUndefined})
		}
		for ; ok; e, ok = c.next() {
			visit(e.value)
		}
	default:
		visit(value)
	}
}
