// Package query chooses the cells that a Get or Scan wants: by column, version, time and filter.
package query

import (
	"bytes"
	"math"
	"slices"

	"github.com/tsuna/gohbase/pb"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/store"
)

// Query says which cells of a row a Get or Scan wants.
type Query struct {
	columns  map[string][][]byte // family -> qualifiers, none meaning all; an empty map means every family
	from, to int64               // timestamps, to exclusive
	versions int
	offset   int // cells of each family to pass over
	limit    int // cells of each family to return after those
	filter   filter
}

// Selection is the part of a query that Get and Scan express alike.
type Selection interface {
	GetColumn() []*pb.Column
	GetTimeRange() *pb.TimeRange
	GetCfTimeRange() []*pb.ColumnFamilyTimeRange
	GetMaxVersions() uint32
	GetStoreLimit() uint32
	GetStoreOffset() uint32
	GetFilter() *pb.Filter
	GetAttribute() []*pb.NameBytesPair
}

var gaps = exception.Gaps[Selection]{
	{What: "time range of a single column family", Asked: func(s Selection) bool { return len(s.GetCfTimeRange()) > 0 }},
}

// New reads a query; hasLimit tells a limit of 0 cells from none.
func New(t *store.Table, s Selection, hasLimit bool) (*Query, error) {
	if err := RefuseAttributes(s.GetAttribute()); err != nil {
		return nil, err
	}
	if err := gaps.Refuse(s); err != nil {
		return nil, err
	}
	q := &Query{to: math.MaxInt64, versions: int(s.GetMaxVersions()), offset: int(s.GetStoreOffset()), limit: math.MaxInt}
	if hasLimit {
		q.limit = int(s.GetStoreLimit())
	}
	if r := s.GetTimeRange(); r != nil {
		q.from = int64(min(r.GetFrom(), math.MaxInt64))
		if r.To != nil {
			q.to = int64(min(r.GetTo(), math.MaxInt64))
		}
	}
	if q.from > q.to {
		return nil, exception.New(exception.IllegalArgument,
			"time range from %d ends before it, at %d", q.from, q.to)
	}
	if len(s.GetColumn()) > 0 {
		q.columns = map[string][][]byte{}
	}
	for _, c := range s.GetColumn() {
		if _, err := t.Family(c.Family); err != nil {
			return nil, err
		}
		q.columns[string(c.Family)] = c.Qualifier
	}
	var err error
	q.filter, err = newFilter(s.GetFilter(), 0)
	return q, err
}

// Cells picks from the stored cells of a row what the query wants. The result may be empty, and may alias cells.
func (q *Query) Cells(t *store.Table, row []byte, cells []store.Cell) ([]store.Cell, error) {
	if q.filter != nil {
		q.filter.reset()
		if q.filter.dropKey(row) {
			return nil, nil
		}
	}
	out := cells[:0]
	for len(cells) > 0 {
		n := 1
		for n < len(cells) && string(cells[n].Family) == string(cells[0].Family) {
			n++
		}
		f, err := t.Family(cells[0].Family)
		if err != nil {
			return nil, err
		}
		more := true
		if out, more = q.oneFamily(out, cells[:n], row, f); !more {
			break
		}
		cells = cells[n:]
	}
	if q.filter != nil && len(out) > 0 && q.filter.dropRow() {
		return nil, nil
	}
	return out, nil
}

// Since is the time before which no cell is wanted.
func (q *Query) Since() int64 { return q.from }

// Done tells whether nothing of what follows in the region passes.
func (q *Query) Done() bool { return q.filter != nil && q.filter.done() }

// oneFamily appends the wanted cells of one family; more is false when the filter is done with the row.
func (q *Query) oneFamily(out, cells []store.Cell, row []byte, f *store.Family) (_ []store.Cell, more bool) {
	qualifiers, named := q.columns[f.Name]
	if q.columns != nil && !named {
		return out, true
	}
	candidatesMax := min(q.versions, f.Versions)
	if q.filter != nil {
		candidatesMax = f.Versions // the filter sees all versions the family has; the query's number counts what passes
	}
	start, seen := len(out), 0
	var column []byte
	var candidates, taken int
	for i := range cells {
		c := &cells[i]
		if i == 0 || !bytes.Equal(c.Qualifier, column) {
			column, candidates, taken = c.Qualifier, 0, 0
		}
		if candidates >= candidatesMax || taken >= q.versions || !q.wants(c, qualifiers) {
			continue
		}
		candidates++
		switch q.answer(row, c) {
		case skip:
			continue
		case nextColumn:
			candidates = candidatesMax
			continue
		case nextRow:
			return out, false
		}
		taken++
		if seen++; seen > q.offset && len(out)-start < q.limit {
			out = append(out, *c)
		}
	}
	return out, true
}

// wants tells whether a cell is a value in the time range and, when any are named, in one of the columns.
func (q *Query) wants(c *store.Cell, qualifiers [][]byte) bool {
	return c.Kind == store.KindPut && c.Timestamp >= q.from && c.Timestamp < q.to &&
		(len(qualifiers) == 0 || contains(qualifiers, c.Qualifier))
}

func (q *Query) answer(row []byte, c *store.Cell) answer {
	if q.filter == nil {
		return include
	}
	return q.filter.cell(row, c)
}

func contains(list [][]byte, b []byte) bool {
	return slices.ContainsFunc(list, func(other []byte) bool { return bytes.Equal(other, b) })
}

// attributes are those that HBase's own clients send and that change no answer. Others are for coprocessors, or ask
// for something else: raw scans, a time to live, labels.
var attributes = map[string]bool{
	"_isolationlevel_":               true, // what is read here is committed either way
	"_operation.attributes.id":       true, // for the slow log
	"_cs.id":                         true, // clusters that a replicated write has passed
	"scan.attributes.metrics.enable": true,
	"scan.attributes.metrics.data":   true,
	"scan.attributes.table.name":     true, // for MapReduce, on the client's side
}

// RefuseAttributes refuses the attributes of an operation that would change its answer.
func RefuseAttributes(of []*pb.NameBytesPair) error {
	for _, a := range of {
		if !attributes[a.GetName()] {
			return exception.Unsupported("operation attribute %s", a.GetName())
		}
	}
	return nil
}
