package query

import (
	"bytes"
	"strings"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/exception"
)

// comparison tests bytes against a comparator.
type comparison struct {
	op      pb.CompareType
	compare func(value []byte) int // how value stands to what it is compared with
}

// newComparison builds a comparison; a comparator outside of the supported ones is refused by name.
func newComparison(op pb.CompareType, m *pb.Comparator) (comparison, error) {
	compare, err := newComparator(m)
	return comparison{op, compare}, err
}

func newComparator(m *pb.Comparator) (func([]byte) int, error) {
	build := comparators[strings.TrimPrefix(m.GetName(), filterPackage)]
	if build == nil {
		return nil, exception.Unsupported("comparator %s", m.GetName())
	}
	return build(m.GetSerializedComparator())
}

// comparators build functions that tell how a value stands to what it is compared with.
var comparators = map[string]func([]byte) (func([]byte) int, error){
	"BinaryComparator": func(b []byte) (func([]byte) int, error) {
		var c pb.BinaryComparator
		err := proto.Unmarshal(b, &c)
		want := c.GetComparable().GetValue()
		return func(v []byte) int { return bytes.Compare(v, want) }, err
	},
	"BinaryPrefixComparator": func(b []byte) (func([]byte) int, error) {
		var c pb.BinaryPrefixComparator
		err := proto.Unmarshal(b, &c)
		want := c.GetComparable().GetValue()
		return func(v []byte) int { return bytes.Compare(v[:min(len(v), len(want))], want) }, err
	},
	"SubstringComparator": func(b []byte) (func([]byte) int, error) {
		var c pb.SubstringComparator
		err := proto.Unmarshal(b, &c)
		want := strings.ToLower(c.GetSubstr())
		return func(v []byte) int {
			if strings.Contains(strings.ToLower(string(v)), want) {
				return 0
			}
			return 1
		}, err
	},
	"NullComparator": func([]byte) (func([]byte) int, error) {
		return func([]byte) int { return 1 }, nil
	},
}

func (c comparison) holds(value []byte) bool {
	n := c.compare(value)
	switch c.op {
	case pb.CompareType_LESS:
		return n < 0
	case pb.CompareType_LESS_OR_EQUAL:
		return n <= 0
	case pb.CompareType_EQUAL:
		return n == 0
	case pb.CompareType_NOT_EQUAL:
		return n != 0
	case pb.CompareType_GREATER_OR_EQUAL:
		return n >= 0
	case pb.CompareType_GREATER:
		return n > 0
	}
	return false
}
