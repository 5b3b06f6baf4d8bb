package query

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/store"
)

// answer is what a filter says of a cell.
type answer int

const (
	include answer = iota
	skip
	nextColumn // skip, and the rest of the column
	nextRow    // skip, and the rest of the row
)

// filter chooses rows and cells as HBase's filters do. It is asked in this order for each row: reset, dropKey,
// cell for each cell that the query wants, dropRow when any was included.
type filter interface {
	reset()
	dropKey(row []byte) bool
	cell(row []byte, c *store.Cell) answer // may change what is returned of the cell
	dropRow() bool
	done() bool // nothing of what follows in this region passes
}

// basicFilter lets everything pass; filters embed it.
type basicFilter struct{}

func (basicFilter) reset()                          {}
func (basicFilter) dropKey([]byte) bool             { return false }
func (basicFilter) cell([]byte, *store.Cell) answer { return include }
func (basicFilter) dropRow() bool                   { return false }
func (basicFilter) done() bool                      { return false }

const filterPackage = "org.apache.hadoop.hbase.filter."

// maxNesting is how many filter lists may be inside each other. Each keeps a copy of what is in it.
const maxNesting = 64

// newFilter builds a filter from its message, which is inside as many lists as nesting says; nil gives nil.
func newFilter(m *pb.Filter, nesting int) (filter, error) {
	if m == nil {
		return nil, nil
	}
	name := strings.TrimPrefix(m.GetName(), filterPackage)
	var f filter
	var err error
	if build := filters[name]; build != nil {
		f, err = build(m.SerializedFilter)
	} else if name == listName {
		f, err = newFilterList(m.SerializedFilter, nesting+1)
	} else {
		return nil, exception.Unsupported("filter %s", m.GetName())
	}
	if err != nil {
		return nil, raiseFilter(name, err)
	}
	return f, nil
}

// raiseFilter keeps the class of an error that has one.
func raiseFilter(name string, err error) error {
	if e := exception.Of(err); e.Class != exception.JavaIO {
		return e
	}
	return exception.New(exception.DoNotRetryIO, "filter %s cannot be read: %v", name, err)
}

// listName is the filter that holds others.
const listName = "FilterList"

// filters build all other filters.
var filters = map[string]func([]byte) (filter, error){
	"PrefixFilter":            newPrefixFilter,
	"FirstKeyOnlyFilter":      func([]byte) (filter, error) { return &firstKeyOnly{}, nil },
	"KeyOnlyFilter":           newKeyOnly,
	"PageFilter":              newPageFilter,
	"SingleColumnValueFilter": newColumnValue,
	"RowFilter":               newRowFilter,
	"QualifierFilter":         newQualifierFilter,
	"TimestampsFilter":        newTimestampsFilter,
	"MultiRowRangeFilter":     newRowRanges,
}

// prefixFilter passes rows that begin with prefix.
type prefixFilter struct {
	basicFilter
	prefix  []byte
	outside bool
}

func newPrefixFilter(b []byte) (filter, error) {
	var m pb.PrefixFilter
	err := proto.Unmarshal(b, &m)
	return &prefixFilter{prefix: m.Prefix}, err
}

func (f *prefixFilter) reset() { f.outside = false }

func (f *prefixFilter) dropKey(row []byte) bool {
	f.outside = !bytes.HasPrefix(row, f.prefix)
	return f.outside
}

func (f *prefixFilter) cell([]byte, *store.Cell) answer { return rowAnswer(f.outside) }

// rowAnswer repeats a decision about the row for its cells, for filters inside a list that passes any.
func rowAnswer(dropped bool) answer {
	if dropped {
		return nextRow
	}
	return include
}

// firstKeyOnly passes the first cell of each row.
type firstKeyOnly struct {
	basicFilter
	found bool
}

func (f *firstKeyOnly) reset() { f.found = false }

func (f *firstKeyOnly) cell([]byte, *store.Cell) answer {
	if f.found {
		return nextRow
	}
	f.found = true
	return include
}

// keyOnly empties values, or puts their length in their place.
type keyOnly struct {
	basicFilter
	length bool
}

func newKeyOnly(b []byte) (filter, error) {
	var m pb.KeyOnlyFilter
	err := proto.Unmarshal(b, &m)
	return &keyOnly{length: m.GetLenAsVal()}, err
}

func (f *keyOnly) cell(_ []byte, c *store.Cell) answer {
	if f.length {
		c.Value = binary.BigEndian.AppendUint32(nil, uint32(len(c.Value)))
	} else {
		c.Value = nil
	}
	return include
}

// pageFilter passes a number of rows of each region.
type pageFilter struct {
	basicFilter
	size, rows int64
}

func newPageFilter(b []byte) (filter, error) {
	var m pb.PageFilter
	err := proto.Unmarshal(b, &m)
	return &pageFilter{size: m.GetPageSize()}, err
}

func (f *pageFilter) dropRow() bool {
	f.rows++
	return f.rows > f.size
}

func (f *pageFilter) done() bool { return f.rows >= f.size }

// columnValue passes rows whose cell in one column compares as wanted.
type columnValue struct {
	basicFilter
	family, qualifier []byte
	test              comparison
	ifMissing         bool // drop rows without the cell
	latestOnly        bool
	found, matched    bool
}

func newColumnValue(b []byte) (filter, error) {
	var m pb.SingleColumnValueFilter
	if err := proto.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	test, err := newComparison(m.GetCompareOp(), m.Comparator)
	latestOnly := m.LatestVersionOnly == nil || m.GetLatestVersionOnly()
	return &columnValue{family: m.ColumnFamily, qualifier: m.ColumnQualifier, test: test,
		ifMissing: m.GetFilterIfMissing(), latestOnly: latestOnly}, err
}

func (f *columnValue) reset() { f.found, f.matched = false, false }

func (f *columnValue) cell(_ []byte, c *store.Cell) answer {
	switch {
	case f.matched:
		return include
	case f.latestOnly && f.found:
		return nextRow
	case !bytes.Equal(c.Family, f.family) || !bytes.Equal(c.Qualifier, f.qualifier):
		return include
	}
	f.found = true
	if f.test.holds(c.Value) {
		f.matched = true
		return include
	}
	if f.latestOnly {
		return nextRow
	}
	return include
}

func (f *columnValue) dropRow() bool {
	if f.found {
		return !f.matched
	}
	return f.ifMissing
}

// rowFilter passes rows whose key compares as wanted.
type rowFilter struct {
	basicFilter
	test comparison
	out  bool
}

func newRowFilter(b []byte) (filter, error) {
	var m pb.RowFilter
	if err := proto.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	test, err := newComparison(m.GetCompareFilter().GetCompareOp(), m.GetCompareFilter().GetComparator())
	return &rowFilter{test: test}, err
}

func (f *rowFilter) reset() { f.out = false }

func (f *rowFilter) dropKey(row []byte) bool {
	f.out = !f.test.holds(row)
	return f.out
}

func (f *rowFilter) cell([]byte, *store.Cell) answer { return rowAnswer(f.out) }

// qualifierFilter passes cells whose qualifier compares as wanted.
type qualifierFilter struct {
	basicFilter
	test comparison
}

func newQualifierFilter(b []byte) (filter, error) {
	var m pb.QualifierFilter
	if err := proto.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	test, err := newComparison(m.GetCompareFilter().GetCompareOp(), m.GetCompareFilter().GetComparator())
	return &qualifierFilter{test: test}, err
}

func (f *qualifierFilter) cell(_ []byte, c *store.Cell) answer {
	if f.test.holds(c.Qualifier) {
		return include
	}
	return nextColumn
}

// timestampsFilter passes cells with one of the timestamps.
type timestampsFilter struct {
	basicFilter
	timestamps []int64
}

func newTimestampsFilter(b []byte) (filter, error) {
	var m pb.TimestampsFilter
	err := proto.Unmarshal(b, &m)
	return &timestampsFilter{timestamps: m.Timestamps}, err
}

func (f *timestampsFilter) cell(_ []byte, c *store.Cell) answer {
	if slices.Contains(f.timestamps, c.Timestamp) {
		return include
	}
	return skip
}

// rowRanges passes rows inside any of its ranges.
type rowRanges struct {
	basicFilter
	ranges []*pb.RowRange
	out    bool
}

func newRowRanges(b []byte) (filter, error) {
	var m pb.MultiRowRangeFilter
	err := proto.Unmarshal(b, &m)
	return &rowRanges{ranges: m.RowRangeList}, err
}

func (f *rowRanges) reset() { f.out = false }

func (f *rowRanges) dropKey(row []byte) bool {
	f.out = !slices.ContainsFunc(f.ranges, func(r *pb.RowRange) bool { return inRange(r, row) })
	return f.out
}

func (f *rowRanges) cell([]byte, *store.Cell) answer { return rowAnswer(f.out) }

func inRange(r *pb.RowRange, row []byte) bool {
	start, stop := bytes.Compare(row, r.StartRow), bytes.Compare(row, r.StopRow)
	return (start > 0 || start == 0 && r.GetStartRowInclusive() || len(r.StartRow) == 0) &&
		(stop < 0 || stop == 0 && r.GetStopRowInclusive() || len(r.StopRow) == 0)
}
