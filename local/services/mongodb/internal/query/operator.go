package query

import (
	"bytes"
	"slices"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/failure"
)

// compileOperator compiles one operator on a field. When negate is true the field matches if no value passes the test.
func compileOperator(operator string, v bsoncore.Value) (test func(bsoncore.Value) bool, negate bool, err error) {
	switch operator {
	case "$eq", "$ne", "$gt", "$gte", "$lt", "$lte":
		test, err = compileComparison(operator, v)
		return test, operator == "$ne", err
	case "$in", "$nin":
		test, err = compileIn(operator, v)
		return test, operator == "$nin", err
	case "$exists":
		return func(found bsoncore.Value) bool { return found.Type != 0 }, !truthy(v), nil
	case "$type":
		test, err = compileType(v)
		return test, false, err
	}
	if slices.Contains(refusedOperators, operator) {
		return nil, false, failure.Unsupported("the query operator %s", operator)
	}
	return nil, false, failure.New(failure.BadValue, "unknown operator: %s", operator)
}

// checkOperand refuses values that mean more than themselves in a comparison.
func checkOperand(operator string, v bsoncore.Value) error {
	switch v.Type {
	case bsoncore.TypeRegex:
		return failure.Unsupported("a regular expression in %s", operator)
	case bsoncore.TypeMinKey, bsoncore.TypeMaxKey:
		if operator != "$eq" && operator != "$ne" {
			return failure.Unsupported("a %s in %s", v.Type, operator)
		}
	case bsoncore.TypeUndefined:
		return failure.New(failure.BadValue, "cannot compare to undefined")
	}
	return nil
}

// compileComparison compiles an operator that compares. Only values of one rank compare; null equals an absent field,
// and NaN is neither less nor greater than anything.
func compileComparison(operator string, v bsoncore.Value) (func(bsoncore.Value) bool, error) {
	if err := checkOperand(operator, v); err != nil {
		return nil, err
	}
	accept := map[string]func(int) bool{
		"$eq": func(c int) bool { return c == 0 }, "$ne": func(c int) bool { return c == 0 },
		"$gt": func(c int) bool { return c > 0 }, "$gte": func(c int) bool { return c >= 0 },
		"$lt": func(c int) bool { return c < 0 }, "$lte": func(c int) bool { return c <= 0 },
	}[operator]
	wanted, nan := rank(v.Type), isNaN(v)
	return func(found bsoncore.Value) bool {
		found = nullish(found)
		if rank(found.Type) != wanted {
			return false
		}
		if nan || isNaN(found) {
			return nan && isNaN(found) && accept(0)
		}
		return accept(Compare(found, v))
	}, nil
}

func nullish(v bsoncore.Value) bsoncore.Value {
	if v.Type == 0 || v.Type == bsoncore.TypeUndefined {
		return null
	}
	return v
}

// compileIn compiles $in as a set of equality keys, so that its cost does not grow with the list.
func compileIn(operator string, v bsoncore.Value) (func(bsoncore.Value) bool, error) {
	if v.Type != bsoncore.TypeArray {
		return nil, failure.New(failure.BadValue, "%s needs an array", operator)
	}
	set := map[string]bool{}
	err := Elements(v.Data, func(_ string, item bsoncore.Value) error {
		if item.Type == bsoncore.TypeEmbeddedDocument && isOperators(item.Data) {
			return failure.New(failure.BadValue, "cannot nest $ under %s", operator)
		}
		set[string(AppendKey(nil, item))] = true
		return checkOperand(operator, item)
	})
	var buffer []byte
	return func(found bsoncore.Value) bool {
		buffer = AppendKey(buffer[:0], nullish(found))
		return set[string(buffer)]
	}, err
}

// truthy is MongoDB's reading of a flag: false, null, undefined and zeros are no.
func truthy(v bsoncore.Value) bool {
	switch v.Type {
	case 0, bsoncore.TypeNull, bsoncore.TypeUndefined:
		return false
	case bsoncore.TypeBoolean:
		return v.Boolean()
	}
	if !isNumber(v.Type) || isNaN(v) {
		return true
	}
	zero := bsoncore.Value{Type: bsoncore.TypeInt32, Data: make([]byte, 4)}
	return compareNumbers(v, zero) != 0
}

var typeNames = map[string]bsoncore.Type{
	"double": bsoncore.TypeDouble, "string": bsoncore.TypeString, "object": bsoncore.TypeEmbeddedDocument,
	"array": bsoncore.TypeArray, "binData": bsoncore.TypeBinary, "undefined": bsoncore.TypeUndefined,
	"objectId": bsoncore.TypeObjectID, "bool": bsoncore.TypeBoolean, "date": bsoncore.TypeDateTime, "null": bsoncore.TypeNull,
	"regex": bsoncore.TypeRegex, "dbPointer": bsoncore.TypeDBPointer, "javascript": bsoncore.TypeJavaScript,
	"symbol": bsoncore.TypeSymbol, "javascriptWithScope": bsoncore.TypeCodeWithScope, "int": bsoncore.TypeInt32,
	"timestamp": bsoncore.TypeTimestamp, "long": bsoncore.TypeInt64, "decimal": bsoncore.TypeDecimal128,
	"minKey": bsoncore.TypeMinKey, "maxKey": bsoncore.TypeMaxKey,
}

func compileType(v bsoncore.Value) (func(bsoncore.Value) bool, error) {
	items := []bsoncore.Value{v}
	if v.Type == bsoncore.TypeArray {
		items = nil
		for c := elements(v.Data); ; {
			e, ok := c.next()
			if !ok {
				break
			}
			items = append(items, e.value)
		}
	}
	var wanted []byte
	for _, item := range items {
		types, err := typesOf(item)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, types...)
	}
	if len(wanted) == 0 {
		return nil, failure.New(failure.FailedToParse, "$type must match at least one type")
	}
	return func(found bsoncore.Value) bool {
		return found.Type != 0 && bytes.IndexByte(wanted, byte(found.Type)) >= 0
	}, nil
}

func typesOf(v bsoncore.Value) ([]byte, error) {
	if v.Type == bsoncore.TypeString {
		name := string(text(v))
		if name == "number" {
			return []byte{byte(bsoncore.TypeDouble), byte(bsoncore.TypeInt32), byte(bsoncore.TypeInt64), byte(bsoncore.TypeDecimal128)}, nil
		}
		if t, ok := typeNames[name]; ok {
			return []byte{byte(t)}, nil
		}
		return nil, failure.New(failure.BadValue, "unknown type name alias: %s", name)
	}
	number, ok := integer(v)
	if v.Type == bsoncore.TypeDouble {
		number, ok = int64(double(v)), double(v) == float64(int64(double(v)))
	}
	for _, t := range typeNames {
		if ok && number == int64(int8(t)) {
			return []byte{byte(t)}, nil
		}
	}
	return nil, failure.New(failure.BadValue, "invalid numerical type code: %s", v)
}
