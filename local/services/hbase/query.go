package hbase

import (
	"bytes"
	"math"
	"slices"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/store"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"
)

// query says which cells of a row a Get or Scan wants.
type query struct {
	columns  map[string][][]byte // family -> qualifiers, none meaning all; an empty map means every family
	from, to int64               // timestamps, to exclusive
	versions int
	offset   int // cells of each family to pass over
	limit    int // cells of each family to return after those
	filter   filter
}

// selection is the part of a query that Get and Scan express alike.
type selection interface {
	GetColumn() []*pb.Column
	GetTimeRange() *pb.TimeRange
	GetCfTimeRange() []*pb.ColumnFamilyTimeRange
	GetMaxVersions() uint32
	GetStoreLimit() uint32
	GetStoreOffset() uint32
	GetFilter() *pb.Filter
	GetAttribute() []*pb.NameBytesPair
}

func newQuery(t *store.Table, s selection, hasLimit bool) (*query, error) {
	if err := refuseAttributes(s.GetAttribute()); err != nil {
		return nil, err
	}
	if len(s.GetCfTimeRange()) > 0 {
		return nil, exception.Unsupported("time range of a single column family")
	}
	q := &query{to: math.MaxInt64, versions: int(s.GetMaxVersions()), offset: int(s.GetStoreOffset()), limit: math.MaxInt}
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
		return nil, exception.New(exception.IllegalArgument, "time range from %d ends before it, at %d", q.from, q.to)
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
	q.filter, err = newFilter(s.GetFilter())
	return q, err
}

// cells picks from the stored cells of a row what the query wants. The result may be empty, and may alias cells.
func (q *query) cells(t *store.Table, row []byte, cells []store.Cell) ([]store.Cell, error) {
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

// oneFamily appends the wanted cells of one family; more is false when the filter is done with the row.
func (q *query) oneFamily(out, cells []store.Cell, row []byte, f *Family) (_ []store.Cell, more bool) {
	qualifiers, named := q.columns[f.Name]
	if q.columns != nil && !named {
		return out, true
	}
	candidatesMax := min(q.versions, f.Versions)
	if q.filter != nil {
		candidatesMax = f.Versions // the filter sees all versions the family has; the query's number counts what passes
	}
	start, seen := len(out), 0
	var column store.Cell
	var candidates, taken int
	for i, c := range cells {
		if i == 0 || !bytes.Equal(c.Qualifier, column.Qualifier) {
			column, candidates, taken = c, 0, 0
		}
		if candidates >= candidatesMax || taken >= q.versions || !q.wants(&c, qualifiers) {
			continue
		}
		candidates++
		switch q.judge(row, &c) {
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
			out = append(out, c)
		}
	}
	return out, true
}

// wants tells whether a cell is a value in the time range and, when any are named, in one of the columns.
func (q *query) wants(c *store.Cell, qualifiers [][]byte) bool {
	return c.Kind == store.KindPut && c.Timestamp >= q.from && c.Timestamp < q.to &&
		(len(qualifiers) == 0 || contains(qualifiers, c.Qualifier))
}

func (q *query) judge(row []byte, c *store.Cell) verdict {
	if q.filter == nil {
		return include
	}
	return q.filter.cell(row, c)
}

func contains(list [][]byte, b []byte) bool {
	return slices.ContainsFunc(list, func(other []byte) bool { return bytes.Equal(other, b) })
}

// get runs a Get.
func (s *Server) get(r *request) (response, error) {
	var m pb.GetRequest
	if err := r.decode(&m); err != nil {
		return response{}, err
	}
	reg, err := s.region(m.Region)
	if err != nil {
		return response{}, err
	}
	return s.faulty(Call{Method: r.method, Table: reg.Table.Name, Region: reg.Name, Actions: 1}, func() (response, error) {
		cells, result, err := s.read(reg, m.Get)
		if err != nil {
			return response{}, err
		}
		return response{message: &pb.GetResponse{Result: result}, cells: appendBlocks(nil, m.Get.Row, cells)}, nil
	})
}

// read runs a Get on a region: its cells, and the result that announces them.
func (s *Server) read(r *store.Region, get *pb.Get) ([]store.Cell, *pb.Result, error) {
	if get.GetClosestRowBefore() {
		return nil, nil, exception.Unsupported("Get of the closest row before; use a reversed scan")
	}
	if err := checkRow(r, get.Row, exception.WrongRegion); err != nil {
		return nil, nil, err
	}
	q, err := newQuery(r.Table, get, get.StoreLimit != nil)
	if err != nil {
		return nil, nil, err
	}
	stored, err := s.row(r, get.Row)
	if err != nil {
		return nil, nil, err
	}
	cells, err := q.cells(r.Table, get.Row, stored)
	if err != nil {
		return nil, nil, err
	}
	if get.GetExistenceOnly() {
		return nil, &pb.Result{Exists: proto.Bool(len(cells) > 0)}, nil
	}
	return cells, &pb.Result{AssociatedCellCount: proto.Int32(int32(len(cells)))}, nil
}

// row reads the stored cells of a row of any table, hbase:meta among them.
func (s *Server) row(r *store.Region, row []byte) ([]store.Cell, error) {
	if isMeta(r) {
		return s.metaRow(row), nil
	}
	return s.store.Row(r.Table, row)
}

func appendBlocks(b, row []byte, cells []store.Cell) []byte {
	for i := range cells {
		b = appendBlock(b, row, &cells[i])
	}
	return b
}
