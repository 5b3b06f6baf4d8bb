package hbase

import (
	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/query"
	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"
)

var getGaps = exception.Gaps[*pb.Get]{
	{What: "Get of the closest row before; use a reversed scan", Asked: (*pb.Get).GetClosestRowBefore},
}

// get runs a Get.
func (s *Server) get(r *wire.Request) (wire.Response, error) {
	var m pb.GetRequest
	if err := r.Decode(&m); err != nil {
		return wire.Response{}, err
	}
	reg, err := s.region(m.Region)
	if err != nil {
		return wire.Response{}, err
	}
	return s.faulty(callOf(r, reg, 1), func() (wire.Response, error) {
		cells, result, err := s.read(reg, m.Get)
		if err != nil {
			return wire.Response{}, err
		}
		return wire.Response{Message: &pb.GetResponse{Result: result}, Cells: wire.AppendBlocks(nil, m.Get.Row, cells)}, nil
	})
}

// read runs a Get on a region: its cells, and the result that announces them.
func (s *Server) read(r *store.Region, get *pb.Get) ([]store.Cell, *pb.Result, error) {
	if err := getGaps.Refuse(get); err != nil {
		return nil, nil, err
	}
	if err := checkRow(r, get.Row, exception.WrongRegion); err != nil {
		return nil, nil, err
	}
	q, err := query.New(r.Table, get, get.StoreLimit != nil)
	if err != nil {
		return nil, nil, err
	}
	stored, err := s.row(r, get.Row)
	if err != nil {
		return nil, nil, err
	}
	cells, err := q.Cells(r.Table, get.Row, stored)
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
