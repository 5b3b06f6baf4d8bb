// Package query holds MongoDB's semantics over raw BSON: the order of values, equality keys, filters, sorting,
// projections and updates. Everything works on the bytes, so whatever is not touched stays byte for byte.
//
// What it does not know it refuses by name. What it knows it answers as MongoDB does; that is why it is not built on
// a general library: of those looked at, the nearest compares NaN and decimals loosely, cannot order every type, and
// follows dotted paths through arrays differently.
package query

import (
	"bytes"
	"cmp"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// missing is the value of an absent field. It has no type.
var missing = bsoncore.Value{}

var null = bsoncore.Value{Type: bsoncore.TypeNull}

// rank is the place of a type in MongoDB's order of types. Types of one rank compare by value.
func rank(t bsoncore.Type) int {
	switch t {
	case bsoncore.TypeMinKey:
		return -1
	case bsoncore.TypeNull:
		return 5
	case bsoncore.TypeDouble, bsoncore.TypeInt32, bsoncore.TypeInt64, bsoncore.TypeDecimal128:
		return 10
	case bsoncore.TypeString, bsoncore.TypeSymbol:
		return 15
	case bsoncore.TypeEmbeddedDocument:
		return 20
	case bsoncore.TypeArray:
		return 25
	case bsoncore.TypeBinary:
		return 30
	case bsoncore.TypeObjectID:
		return 35
	case bsoncore.TypeBoolean:
		return 40
	case bsoncore.TypeDateTime:
		return 45
	case bsoncore.TypeTimestamp:
		return 47
	case bsoncore.TypeRegex:
		return 50
	case bsoncore.TypeDBPointer:
		return 55
	case bsoncore.TypeJavaScript:
		return 60
	case bsoncore.TypeCodeWithScope:
		return 65
	case bsoncore.TypeMaxKey:
		return 127
	}
	return 0 // missing and undefined
}

// Compare orders two values as MongoDB sorts them: negative, zero or positive. NaN equals itself and comes before
// every other number.
func Compare(a, b bsoncore.Value) int {
	if c := order(rank(a.Type), rank(b.Type)); c != 0 {
		return c
	}
	switch a.Type {
	case bsoncore.TypeDouble, bsoncore.TypeInt32, bsoncore.TypeInt64, bsoncore.TypeDecimal128:
		return compareNumbers(a, b)
	case bsoncore.TypeString, bsoncore.TypeSymbol, bsoncore.TypeJavaScript:
		return bytes.Compare(text(a), text(b))
	case bsoncore.TypeEmbeddedDocument, bsoncore.TypeArray:
		return compareDocuments(a.Data, b.Data, a.Type == bsoncore.TypeEmbeddedDocument)
	case bsoncore.TypeBinary:
		return compareSized(a.Data, b.Data)
	case bsoncore.TypeObjectID, bsoncore.TypeBoolean:
		return bytes.Compare(a.Data, b.Data)
	case bsoncore.TypeDateTime:
		return order(a.DateTime(), b.DateTime())
	case bsoncore.TypeTimestamp:
		at, ai := a.Timestamp()
		bt, bi := b.Timestamp()
		return cmp.Or(order(at, bt), order(ai, bi))
	case bsoncore.TypeRegex:
		return bytes.Compare(a.Data, b.Data)
	case bsoncore.TypeDBPointer:
		return compareSized(a.Data, b.Data)
	case bsoncore.TypeCodeWithScope:
		ac, as := a.CodeWithScope()
		bc, bs := b.CodeWithScope()
		return cmp.Or(strings.Compare(ac, bc), compareDocuments(as, bs, true))
	}
	return 0
}

func order[T cmp.Ordered](a, b T) int { return cmp.Compare(a, b) }

// text is the content of a string, symbol or code without its length and terminator.
func text(v bsoncore.Value) []byte { return v.Data[4 : len(v.Data)-1] }

// compareSized compares length-prefixed data: first the length, then what follows.
func compareSized(a, b []byte) int {
	return cmp.Or(order(len(a), len(b)), bytes.Compare(a[4:], b[4:]))
}

// compareDocuments compares element by element: type, then name where names count, then value.
func compareDocuments(a, b []byte, names bool) int {
	left, right := elements(a), elements(b)
	for {
		x, moreLeft := left.next()
		y, moreRight := right.next()
		if !moreLeft || !moreRight {
			return order(btoi(moreLeft), btoi(moreRight))
		}
		c := order(rank(x.value.Type), rank(y.value.Type))
		if c == 0 && names {
			c = bytes.Compare(x.key, y.key)
		}
		if c == 0 {
			c = Compare(x.value, y.value)
		}
		if c != 0 {
			return c
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
