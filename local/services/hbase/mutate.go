package hbase

import (
	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/wire"
)

// mutate runs one put or delete.
func (s *Server) mutate(r *wire.Request) (wire.Response, error) {
	var m pb.MutateRequest
	if err := r.Decode(&m); err != nil {
		return wire.Response{}, err
	}
	if m.Condition != nil {
		return wire.Response{}, exception.Unsupported("checkAndMutate")
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
		batch := s.store.NewBatch()
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
