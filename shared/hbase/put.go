package hbase

import (
	"context"
	"encoding/binary"

	"github.com/tsuna/gohbase/hrpc"
	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/shared/phoenix"
)

// put is a call whose cells are encoded before the library sees them: its own form, maps of maps,
// costs about ten times as much. Embedding *hrpc.Mutate makes it batchable for the library.
type put struct {
	*hrpc.Mutate
	mutation pb.MutationProto
	request  pb.MutateRequest
	row      *phoenix.Put
	cells    []byte
}

var (
	family     = []byte(phoenix.Family)
	typePut    = pb.MutationProto_PUT.Enum()
	durability = pb.MutationProto_USE_DEFAULT.Enum()
)

// newPuts makes the calls of one batch. Their memory is theirs alone: after a deadline the library may
// still be sending them, so neither calls nor cells are ever used again.
func newPuts(ctx context.Context, table string, rows []*phoenix.Put) ([]hrpc.Call, error) {
	size := 0
	for _, row := range rows {
		size += cellsSize(row)
	}
	var (
		name  = []byte(table)
		arena = make([]byte, 0, size)
		puts  = make([]put, len(rows))
		calls = make([]hrpc.Call, len(rows))
	)
	for i, row := range rows {
		mutate, err := hrpc.NewPut(ctx, name, row.Key, nil)
		if err != nil {
			return nil, err
		}
		start := len(arena)
		for _, cell := range row.Cells {
			arena = appendCell(arena, row, cell)
		}
		p := &puts[i]
		p.Mutate, p.row, p.cells = mutate, row, arena[start:len(arena):len(arena)]
		calls[i] = p
	}
	return calls, nil
}

// Sizes of a cell on the wire apart from row key, family, qualifier and value.
const (
	cellLengths  = 4 + 4 + 4     // whole, key, value
	cellKeyFixed = 2 + 1 + 8 + 1 // lengths of row key and family, timestamp, type
	cellTypePut  = 4
)

func cellsSize(row *phoenix.Put) int {
	size := 0
	for _, cell := range row.Cells {
		size += cellLengths + cellKeyFixed + len(row.Key) + len(family) + len(cell.Qualifier) + len(cell.Value)
	}
	return size
}

// appendCell appends a cell in HBase's KeyValue form.
func appendCell(dst []byte, row *phoenix.Put, cell phoenix.Cell) []byte {
	keyLen := cellKeyFixed + len(row.Key) + len(family) + len(cell.Qualifier)
	dst = binary.BigEndian.AppendUint32(dst, uint32(4+4+keyLen+len(cell.Value)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(keyLen))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(cell.Value)))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(row.Key)))
	dst = append(dst, row.Key...)
	dst = append(dst, byte(len(family)))
	dst = append(dst, family...)
	dst = append(dst, cell.Qualifier...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(row.Timestamp))
	dst = append(dst, cellTypePut)
	return append(dst, cell.Value...)
}

// SerializeCellBlocks adds the encoded cells to those of the batch, and says in the message how many
// they are.
func (p *put) SerializeCellBlocks(blocks [][]byte) (proto.Message, [][]byte, uint32) {
	count := int32(len(p.row.Cells))
	p.mutation.AssociatedCellCount = &count
	return p.message(), append(blocks, p.cells), uint32(len(p.cells))
}

// ToProto carries the cells in the message itself. The library asks for it only where it does not
// send cell blocks.
func (p *put) ToProto() proto.Message {
	timestamp := uint64(p.row.Timestamp)
	column := &pb.MutationProto_ColumnValue{Family: family}
	for _, cell := range p.row.Cells {
		column.QualifierValue = append(column.QualifierValue, &pb.MutationProto_ColumnValue_QualifierValue{
			Qualifier: []byte(cell.Qualifier),
			Value:     cell.Value,
			Timestamp: &timestamp,
		})
	}
	p.mutation.ColumnValue = []*pb.MutationProto_ColumnValue{column}
	return p.message()
}

func (p *put) message() proto.Message {
	p.mutation.Row = p.row.Key
	p.mutation.MutateType = typePut
	p.mutation.Durability = durability
	p.request.Mutation = &p.mutation
	p.request.Region = &pb.RegionSpecifier{Type: hrpc.RegionSpecifierRegionName, Value: p.Region().Name()}
	return &p.request
}
