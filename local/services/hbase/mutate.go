package hbase

import (
	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/wire"
)

var mutateGaps = exception.Gaps[*pb.MutateRequest]{
	{What: "checkAndMutate", Asked: func(m *pb.MutateRequest) bool { return m.Condition != nil }},
}

// mutate runs one put or delete.
func (s *Server) mutate(r *wire.Request) (wire.Response, error) {
	var m pb.MutateRequest
	if err := r.Decode(&m); err != nil {
		return wire.Response{}, err
	}
	if err := mutateGaps.Refuse(&m); err != nil {
		return wire.Response{}, err
	}
	reg, err := s.region(m.Region)
	if err != nil {
		return wire.Response{}, err
	}
	return s.faulty(callOf(r, reg, 1), func() (wire.Response, error) {
		cells, err := s.mutation(reg, m.Mutation, &cellSource{r.Cells}, nil)
		if err != nil {
			return wire.Response{}, err
		}
		batch := s.store.NewBatch(len(r.Cells))
		defer batch.Close()
		if err := batch.Write(reg.Table, m.Mutation.Row, cells); err != nil {
			return wire.Response{}, err
		}
		if err := batch.Commit(); err != nil {
			return wire.Response{}, err
		}
		return wire.Response{Message: &pb.MutateResponse{Processed: proto.Bool(true)}}, nil
	})
}
