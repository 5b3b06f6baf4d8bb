package hbase

import (
	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/wire"
)

// call runs one request.
func (s *Server) call(service string, r *wire.Request) (wire.Response, error) {
	switch service {
	case "ClientService":
		return s.clientService(r)
	case "MasterService":
		return s.masterService(r)
	}
	return wire.Response{}, exception.New(exception.UnknownService,
		"%s; the embedded HBase serves ClientService and MasterService", service)
}

// clientService runs a method of the region server.
func (s *Server) clientService(r *wire.Request) (wire.Response, error) {
	switch r.Method {
	case "Get":
		return s.get(r)
	case "Scan":
		return s.scan(r)
	case "Mutate":
		return s.mutate(r)
	case "Multi":
		return s.multi(r)
	}
	return wire.Response{}, exception.Unsupported("ClientService.%s", r.Method)
}

// masterService runs a method of the master.
func (s *Server) masterService(r *wire.Request) (wire.Response, error) {
	var run func(*wire.Request) (proto.Message, error)
	switch r.Method {
	case "IsMasterRunning":
		run = func(*wire.Request) (proto.Message, error) {
			return &pb.IsMasterRunningResponse{IsMasterRunning: proto.Bool(true)}, nil
		}
	case "GetTableNames":
		run = s.tableNames
	case "GetClusterStatus":
		run = func(*wire.Request) (proto.Message, error) { return s.clusterStatus(), nil }
	case "CreateTable":
		run = s.createTable
	case "getProcedureResult":
		run = func(*wire.Request) (proto.Message, error) {
			return &pb.GetProcedureResultResponse{State: pb.GetProcedureResultResponse_FINISHED.Enum()}, nil
		}
	default:
		return wire.Response{}, exception.Unsupported("MasterService.%s", r.Method)
	}
	return s.faulty(Call{Method: r.Method, Actions: 1}, func() (wire.Response, error) {
		m, err := run(r)
		return wire.Response{Message: m}, err
	})
}
