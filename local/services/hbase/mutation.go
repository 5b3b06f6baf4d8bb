package hbase

import (
	"math"
	"slices"

	"github.com/tsuna/gohbase/pb"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/query"
	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"
)

const (
	latest       = math.MaxInt64 // the timestamp that stands for "now", or for "the newest" in some deletes
	maxRowKey    = math.MaxInt16
	maxCellBytes = 10 << 20 // HBase's hbase.server.keyvalue.maxsize
)

// cellSource hands out the cells of a request's cell block, mutation after mutation.
type cellSource struct{ block []byte }

// mutation turns one put or delete into cells ready to be written: checked, and with real timestamps.
// The source has moved past its cells unless the error says that the cell block is damaged.
func (s *Server) mutation(r *store.Region, m *pb.MutationProto, source *cellSource, buffer []store.Cell,
) ([]store.Cell, error) {
	count := int(m.GetAssociatedCellCount())
	block := source.block
	rest, err := wire.SkipBlocks(block, count)
	if err != nil {
		return nil, exception.New(exception.DoNotRetryIO, "%v", err)
	}
	source.block = rest
	if err := checkMutation(r, m); err != nil {
		return nil, err
	}
	cells := buffer[:0]
	for range count {
		cells = append(cells, store.Cell{})
		var row []byte
		if row, block, err = wire.CutBlock(&cells[len(cells)-1], block); err != nil {
			return nil, exception.New(exception.DoNotRetryIO, "%v", err)
		}
		if string(row) != string(m.Row) {
			return nil, exception.New(exception.WrongRow,
				"row %x of a cell is not the row %x of its mutation", row, m.Row)
		}
	}
	cells = protoCells(cells, m)
	if m.GetMutateType() == pb.MutationProto_DELETE && len(cells) == 0 {
		cells = wholeRow(r.Table, m)
	}
	return s.finish(r.Table, m, cells)
}

var mutationGaps = exception.Gaps[*pb.MutationProto]{
	{What: "mutation APPEND; use put and delete", Asked: ofType(pb.MutationProto_APPEND)},
	{What: "mutation INCREMENT; use put and delete", Asked: ofType(pb.MutationProto_INCREMENT)},
	{What: "cell tags", Asked: hasTags},
}

func ofType(t pb.MutationProto_MutationType) func(*pb.MutationProto) bool {
	return func(m *pb.MutationProto) bool { return m.GetMutateType() == t }
}

func hasTags(m *pb.MutationProto) bool {
	return slices.ContainsFunc(m.ColumnValue, func(c *pb.MutationProto_ColumnValue) bool {
		return slices.ContainsFunc(c.QualifierValue, func(v *pb.MutationProto_ColumnValue_QualifierValue) bool {
			return len(v.Tags) > 0
		})
	})
}

func checkMutation(r *store.Region, m *pb.MutationProto) error {
	if isMeta(r) {
		return exception.Unsupported("writing to hbase:meta")
	}
	if err := mutationGaps.Refuse(m); err != nil {
		return err
	}
	if err := checkRow(r, m.Row, exception.FailedSanity); err != nil {
		return err
	}
	return query.RefuseAttributes(m.Attribute)
}

// checkRow refuses a row key that cannot be, and with the class outside one that is not in the region.
func checkRow(r *store.Region, row []byte, outside string) error {
	if len(row) == 0 || len(row) > maxRowKey {
		return exception.New(exception.JavaIO, "a row key of %d bytes is not between 1 and %d", len(row), maxRowKey)
	}
	if !r.Holds(row) {
		return exception.New(outside, "row %x is outside of region %s", row, r.Name)
	}
	return nil
}

// protoCells appends the cells that stand in the message itself.
func protoCells(cells []store.Cell, m *pb.MutationProto) []store.Cell {
	for _, column := range m.ColumnValue {
		for _, v := range column.QualifierValue {
			c := store.Cell{Family: column.Family, Qualifier: v.Qualifier, Value: v.Value,
				Kind: store.KindPut, Timestamp: latest}
			switch {
			case v.Timestamp != nil:
				c.Timestamp = int64(v.GetTimestamp())
			case m.Timestamp != nil:
				c.Timestamp = int64(m.GetTimestamp())
			}
			if m.GetMutateType() == pb.MutationProto_DELETE {
				c.Kind = deleteKind(v.GetDeleteType())
			}
			cells = append(cells, c)
		}
	}
	return cells
}

func deleteKind(t pb.MutationProto_DeleteType) byte {
	switch t {
	case pb.MutationProto_DELETE_MULTIPLE_VERSIONS:
		return store.KindDeleteColumn
	case pb.MutationProto_DELETE_FAMILY:
		return store.KindDeleteFamily
	case pb.MutationProto_DELETE_FAMILY_VERSION:
		return store.KindDeleteFamilyVersion
	}
	return store.KindDelete
}

// wholeRow is a delete that names nothing: every family.
func wholeRow(t *store.Table, m *pb.MutationProto) []store.Cell {
	timestamp := int64(latest)
	if m.Timestamp != nil {
		timestamp = int64(m.GetTimestamp())
	}
	var cells []store.Cell
	for _, f := range t.Families {
		cells = append(cells, store.Cell{Family: []byte(f.Name), Kind: store.KindDeleteFamily, Timestamp: timestamp})
	}
	return cells
}

// finish checks the cells and gives those without a timestamp the server's time.
func (s *Server) finish(t *store.Table, m *pb.MutationProto, cells []store.Cell) ([]store.Cell, error) {
	var now int64 // asked for once, by the first cell that needs it
	for i := range cells {
		c := &cells[i]
		if err := checkCell(t, m, c); err != nil {
			return nil, err
		}
		switch c.Kind {
		case store.KindDeleteFamily, store.KindDeleteFamilyVersion:
			c.Qualifier, c.Value = nil, nil
		case store.KindDelete, store.KindDeleteColumn:
			c.Value = nil
		}
		if c.Timestamp != latest {
			continue
		}
		if now == 0 {
			now = s.now()
		}
		c.Timestamp = now
		if c.Kind == store.KindDelete {
			if err := s.aimAtNewest(t, m.Row, c); err != nil {
				return nil, err
			}
		}
	}
	return cells, nil
}

func checkCell(t *store.Table, m *pb.MutationProto, c *store.Cell) error {
	if _, err := t.Family(c.Family); err != nil {
		return err
	}
	if size := wire.BlockSize(m.Row, c); size > maxCellBytes {
		return exception.New(exception.DoNotRetryIO,
			"a cell of %d bytes is over the limit of %d", size, maxCellBytes)
	}
	if c.Timestamp < 0 {
		return exception.New(exception.IllegalArgument, "timestamp %d is negative", c.Timestamp)
	}
	switch c.Kind {
	case store.KindPut, store.KindDelete, store.KindDeleteColumn, store.KindDeleteFamily, store.KindDeleteFamilyVersion:
	default:
		return exception.New(exception.DoNotRetryIO, "cell type %d is unknown", c.Kind)
	}
	if isDelete := m.GetMutateType() == pb.MutationProto_DELETE; isDelete == (c.Kind == store.KindPut) {
		return exception.New(exception.DoNotRetryIO, "a cell of type %d is inside a %s", c.Kind, m.GetMutateType())
	}
	return nil
}

// aimAtNewest gives a delete of the newest version the timestamp of that version, if there is one.
func (s *Server) aimAtNewest(t *store.Table, row []byte, c *store.Cell) error {
	stored, err := s.store.Row(t, row)
	if err != nil {
		return err
	}
	for _, have := range stored {
		if have.Kind == store.KindPut && store.SameColumn(have, *c) {
			c.Timestamp = have.Timestamp
			return nil
		}
	}
	return nil
}
