package hbase

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/query"
	"feedstream/local/services/hbase/internal/wire"
)

// clientMethods are the methods of the region server.
var clientMethods = map[string]func(*Server, *wire.Request) (wire.Response, error){
	"Get":    (*Server).get,
	"Scan":   (*Server).scan,
	"Mutate": (*Server).mutate,
	"Multi":  (*Server).multi,
}

// masterMethods are the methods of the master, and what a fault hook knows them by.
var masterMethods = map[string]struct {
	call string
	run  func(*Server, *wire.Request) (proto.Message, error)
}{
	"IsMasterRunning":     {"running", (*Server).masterRunning},
	"GetTableNames":       {"tables", (*Server).tableNames},
	"GetClusterStatus":    {"status", (*Server).clusterStatus},
	"GetTableDescriptors": {"describe", (*Server).tableDescriptors},
	"CreateTable":         {"create", (*Server).createTable},
	"getProcedureResult":  {"procedure", (*Server).procedureResult},
}

// call runs one request.
func (s *Server) call(service string, r *wire.Request) (wire.Response, error) {
	switch service {
	case "ClientService":
		return injected(s.clientService(r))
	case "MasterService":
		return injected(s.masterService(r))
	}
	return wire.Response{}, exception.New(exception.UnknownService,
		"%s; the embedded HBase serves ClientService and MasterService", service)
}

// clientService runs a method of the region server.
func (s *Server) clientService(r *wire.Request) (wire.Response, error) {
	run := clientMethods[r.Method]
	if run == nil {
		return wire.Response{}, exception.Unsupported("ClientService.%s", r.Method)
	}
	return run(s, r)
}

// masterService runs a method of the master.
func (s *Server) masterService(r *wire.Request) (wire.Response, error) {
	method, ok := masterMethods[r.Method]
	if !ok {
		return wire.Response{}, exception.Unsupported("MasterService.%s", r.Method)
	}
	return s.faulty(Call{Name: method.call, Actions: 1}, func() (wire.Response, error) {
		m, err := method.run(s, r)
		return wire.Response{Message: m}, err
	})
}

// Unsupported are the things of HBase that this server refuses by name, a short line each.
func Unsupported() []string {
	lines := []string{
		"methods of ClientService other than " + strings.Join(slices.Sorted(maps.Keys(clientMethods)), ", "),
		"methods of MasterService other than " + strings.Join(slices.Sorted(maps.Keys(masterMethods)), ", "),
	}
	return slices.Concat(lines, wire.Unsupported(), query.Unsupported(), getGaps.Names(), mutateGaps.Names(),
		mutationGaps.Names(), multiGaps.Names(), regionGaps.Names(), actionGaps.Names(), unsupportedSettings())
}
