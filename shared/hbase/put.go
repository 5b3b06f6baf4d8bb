package hbase

import (
	"context"

	"github.com/tsuna/gohbase/hrpc"
	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"
)

// put is a call whose cells are encoded before the library sees them: its own form, maps of maps,
// costs about ten times as much. Embedding *hrpc.Mutate makes it batchable for the library.
type put struct {
	*hrpc.Mutate
	mutation pb.MutationProto
	request  pb.MutateRequest
	count    int32
	cells    []byte
}

var (
	typePut    = pb.MutationProto_PUT.Enum()
	durability = pb.MutationProto_USE_DEFAULT.Enum()
)

// newPuts makes the calls of one batch. Their memory is theirs alone: after a deadline the library may
// still be sending them, so neither calls nor cells are ever used again.
func newPuts(ctx context.Context, batch rows) ([]hrpc.Call, error) {
	var (
		name  = []byte(batch.table)
		arena = make([]byte, 0, batch.side.Room(batch.numbers))
		puts  = make([]put, len(batch.numbers))
		calls = make([]hrpc.Call, len(batch.numbers))
	)
	for i, n := range batch.numbers {
		mutate, err := hrpc.NewPut(ctx, name, batch.key(i), nil)
		if err != nil {
			return nil, err
		}
		start := len(arena)
		arena = batch.side.AppendCells(arena, n)
		p := &puts[i]
		p.Mutate, p.count, p.cells = mutate, int32(batch.side.Cells()), arena[start:len(arena):len(arena)]
		calls[i] = p
	}
	return calls, nil
}

// SerializeCellBlocks adds the encoded cells to those of the batch, and says in the message how many
// they are.
func (p *put) SerializeCellBlocks(blocks [][]byte) (proto.Message, [][]byte, uint32) {
	p.mutation.AssociatedCellCount = &p.count
	p.mutation.Row = p.Key()
	p.mutation.MutateType = typePut
	p.mutation.Durability = durability
	p.request.Mutation = &p.mutation
	p.request.Region = &pb.RegionSpecifier{Type: hrpc.RegionSpecifierRegionName, Value: p.Region().Name()}
	return &p.request, append(blocks, p.cells), uint32(len(p.cells))
}

// ToProto is for clients without cell blocks, of which this package makes none.
func (p *put) ToProto() proto.Message { return &pb.MutateRequest{} }
