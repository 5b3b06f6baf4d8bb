package wire

import (
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// MaxDepth is how deep documents may be nested. A limit keeps a hostile message from exhausting the stack.
const MaxDepth = 200

// readDocument cuts one checked document off src.
func readDocument(src []byte) (bsoncore.Document, []byte, error) {
	document, rest, ok := bsoncore.ReadDocument(src)
	if !ok {
		return nil, nil, errors.New("document is cut short")
	}
	if err := Validate(document); err != nil {
		return nil, nil, err
	}
	return document, rest, nil
}

// Validate checks lengths, types and terminators of a document and of everything in it. Unlike the driver's own check
// it bounds the depth and does not panic on any bytes.
func Validate(document []byte) error { return validate(document, MaxDepth) }

func validate(document []byte, depth int) error {
	if depth == 0 {
		return fmt.Errorf("document is nested deeper than %d levels", MaxDepth)
	}
	length, rest, ok := bsoncore.ReadLength(document)
	if !ok || int(length) != len(document) || length < 5 || document[length-1] != 0 {
		return errors.New("document has a wrong length or terminator")
	}
	for rest = rest[:len(rest)-1]; len(rest) > 0; {
		element, after, ok := bsoncore.ReadElement(rest)
		if !ok {
			return errors.New("document holds a broken element")
		}
		value, err := element.ValueErr()
		if err != nil {
			return errors.New("document holds a broken value")
		}
		if err := validateValue(value, depth); err != nil {
			return err
		}
		rest = after
	}
	return nil
}

func validateValue(value bsoncore.Value, depth int) error {
	ok := true
	switch value.Type {
	case bsoncore.TypeEmbeddedDocument, bsoncore.TypeArray:
		return validate(value.Data, depth-1)
	case bsoncore.TypeCodeWithScope:
		_, scope, rest, whole := bsoncore.ReadCodeWithScope(value.Data)
		if !whole || len(rest) > 0 {
			return errors.New("document holds broken code with scope")
		}
		return validate(scope, depth-1)
	case bsoncore.TypeString, bsoncore.TypeSymbol, bsoncore.TypeJavaScript:
		ok = len(value.Data) > 4 && value.Data[len(value.Data)-1] == 0
	case bsoncore.TypeDBPointer:
		ok = len(value.Data) > 16 && value.Data[len(value.Data)-13] == 0
	case bsoncore.TypeBinary:
		var rest []byte
		_, _, rest, ok = bsoncore.ReadBinary(value.Data)
		ok = ok && len(rest) == 0
	default:
		ok = value.Validate() == nil
	}
	if !ok {
		return fmt.Errorf("document holds a broken value of type %s", value.Type)
	}
	return nil
}
