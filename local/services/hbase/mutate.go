package hbase

import (
	"math"

	"feedstream/local/services/hbase/internal/exception"

	"github.com/tsuna/gohbase/pb"
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
func (s *Server) mutation(r *region, m *pb.MutationProto, source *cellSource, buffer []cell) ([]cell, error) {
	count := int(m.GetAssociatedCellCount())
	block := source.block
	rest, err := skipBlocks(block, count)
	if err != nil {
		return nil, exception.New(exception.DoNotRetryIO, "%v", err)
	}
	source.block = rest
	if err := checkMutation(r, m); err != nil {
		return nil, err
	}
	cells := buffer[:0]
	for range count {
		var c cell
		var row []byte
		if row, c, block, err = cutBlock(block); err != nil {
			return nil, exception.New(exception.DoNotRetryIO, "%v", err)
		}
		if string(row) != string(m.Row) {
			return nil, exception.New(exception.WrongRow, "row %x of a cell is not the row %x of its mutation", row, m.Row)
		}
		cells = append(cells, c)
	}
	if cells, err = protoCells(cells, m); err != nil {
		return nil, err
	}
	if m.GetMutateType() == pb.MutationProto_DELETE && len(cells) == 0 {
		cells = wholeRow(r.table, m)
	}
	return s.finish(r.table, m, cells)
}

func checkMutation(r *region, m *pb.MutationProto) error {
	if r.isMeta() {
		return exception.Unsupported("writing to hbase:meta")
	}
	switch m.GetMutateType() {
	case pb.MutationProto_PUT, pb.MutationProto_DELETE:
	default:
		return exception.Unsupported("mutation %s; use put and delete", m.GetMutateType())
	}
	if err := checkRow(r, m.Row, exception.FailedSanity); err != nil {
		return err
	}
	return refuseAttributes(m.Attribute)
}

// checkRow refuses a row key that cannot be, and with the class outside one that is not in the region.
func checkRow(r *region, row []byte, outside string) error {
	if len(row) == 0 || len(row) > maxRowKey {
		return exception.New(exception.JavaIO, "a row key of %d bytes is not between 1 and %d", len(row), maxRowKey)
	}
	if !r.holds(row) {
		return exception.New(outside, "row %x is outside of region %s", row, r.name)
	}
	return nil
}

func refuseAttributes(attributes []*pb.NameBytesPair) error {
	for _, a := range attributes {
		if a.GetName() != "scan.attributes.metrics.enable" { // asks for figures only
			return exception.Unsupported("operation attribute %s", a.GetName())
		}
	}
	return nil
}

// protoCells appends the cells that stand in the message itself.
func protoCells(cells []cell, m *pb.MutationProto) ([]cell, error) {
	for _, column := range m.ColumnValue {
		for _, v := range column.QualifierValue {
			c := cell{family: column.Family, qualifier: v.Qualifier, value: v.Value, kind: typePut, timestamp: latest}
			switch {
			case v.Timestamp != nil:
				c.timestamp = int64(v.GetTimestamp())
			case m.Timestamp != nil:
				c.timestamp = int64(m.GetTimestamp())
			}
			if len(v.Tags) > 0 {
				return nil, exception.Unsupported("cell tags")
			}
			if m.GetMutateType() == pb.MutationProto_DELETE {
				c.kind = deleteKind(v.GetDeleteType())
			}
			cells = append(cells, c)
		}
	}
	return cells, nil
}

func deleteKind(t pb.MutationProto_DeleteType) byte {
	switch t {
	case pb.MutationProto_DELETE_MULTIPLE_VERSIONS:
		return typeDeleteColumn
	case pb.MutationProto_DELETE_FAMILY:
		return typeDeleteFamily
	case pb.MutationProto_DELETE_FAMILY_VERSION:
		return typeDeleteFamilyVersion
	}
	return typeDelete
}

// wholeRow is a delete that names nothing: every family.
func wholeRow(t *table, m *pb.MutationProto) []cell {
	timestamp := int64(latest)
	if m.Timestamp != nil {
		timestamp = int64(m.GetTimestamp())
	}
	var cells []cell
	for _, f := range t.Families {
		cells = append(cells, cell{family: []byte(f.Name), kind: typeDeleteFamily, timestamp: timestamp})
	}
	return cells
}

// finish checks the cells and gives those without a timestamp the server's time.
func (s *Server) finish(t *table, m *pb.MutationProto, cells []cell) ([]cell, error) {
	now := s.now()
	for i := range cells {
		c := &cells[i]
		if err := checkCell(t, m, c); err != nil {
			return nil, err
		}
		switch c.kind {
		case typeDeleteFamily, typeDeleteFamilyVersion:
			c.qualifier, c.value = nil, nil
		case typeDelete, typeDeleteColumn:
			c.value = nil
		}
		if c.timestamp != latest {
			continue
		}
		c.timestamp = now
		if c.kind == typeDelete {
			if err := s.aimAtNewest(t, m.Row, c); err != nil {
				return nil, err
			}
		}
	}
	return cells, nil
}

func checkCell(t *table, m *pb.MutationProto, c *cell) error {
	if _, err := t.family(c.family); err != nil {
		return err
	}
	if size := blockSize(m.Row, c); size > maxCellBytes {
		return exception.New(exception.DoNotRetryIO, "a cell of %d bytes is over the limit of %d", size, maxCellBytes)
	}
	if c.timestamp < 0 {
		return exception.New(exception.IllegalArgument, "timestamp %d is negative", c.timestamp)
	}
	switch c.kind {
	case typePut, typeDelete, typeDeleteColumn, typeDeleteFamily, typeDeleteFamilyVersion:
	default:
		return exception.New(exception.DoNotRetryIO, "cell type %d is unknown", c.kind)
	}
	if isDelete := m.GetMutateType() == pb.MutationProto_DELETE; isDelete == (c.kind == typePut) {
		return exception.New(exception.DoNotRetryIO, "a cell of type %d is inside a %s", c.kind, m.GetMutateType())
	}
	return nil
}

// aimAtNewest gives a delete of the newest version the timestamp of that version, if there is one.
func (s *Server) aimAtNewest(t *table, row []byte, c *cell) error {
	stored, err := s.store.readRow(t, row)
	if err != nil {
		return err
	}
	for _, have := range stored {
		if have.kind == typePut && sameColumn(have, *c) {
			c.timestamp = have.timestamp
			return nil
		}
	}
	return nil
}
