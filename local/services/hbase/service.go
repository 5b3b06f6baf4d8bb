package hbase

import (
	"regexp"
	"slices"
	"strconv"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"
)

// clusterID is the name under which clients know the cluster.
const clusterID = "feedstream"

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

func (s *Server) tableNames(r *wire.Request) (proto.Message, error) {
	var m pb.GetTableNamesRequest
	if err := r.Decode(&m); err != nil {
		return nil, err
	}
	pattern := ".*"
	if m.GetRegex() != "" {
		pattern = m.GetRegex()
	}
	match, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return nil, exception.New(exception.IllegalArgument, "table name pattern: %v", err)
	}
	var names []string
	for name := range s.store.All() {
		if match.MatchString(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	answer := &pb.GetTableNamesResponse{}
	for _, name := range names {
		namespace, qualifier := (&store.Table{Name: name}).Namespace()
		if m.GetNamespace() == "" || m.GetNamespace() == namespace {
			answer.TableNames = append(answer.TableNames,
				&pb.TableName{Namespace: []byte(namespace), Qualifier: []byte(qualifier)})
		}
	}
	return answer, nil
}

func (s *Server) serverName() *pb.ServerName {
	port, started := uint32(s.port), uint64(s.started)
	return &pb.ServerName{HostName: &s.host, Port: &port, StartCode: &started}
}

func (s *Server) clusterStatus() proto.Message {
	return &pb.GetClusterStatusResponse{ClusterStatus: &pb.ClusterStatus{
		HbaseVersion: &pb.HBaseVersionFileContent{Version: proto.String("2.6.1")},
		ClusterId:    &pb.ClusterId{ClusterId: proto.String(clusterID)},
		Master:       s.serverName(),
		LiveServers:  []*pb.LiveServerInfo{{Server: s.serverName(), ServerLoad: &pb.ServerLoad{}}},
	}}
}

// createTable makes a table at once: its procedure is over before a client can ask for it.
func (s *Server) createTable(r *wire.Request) (proto.Message, error) {
	var m pb.CreateTableRequest
	if err := r.Decode(&m); err != nil {
		return nil, err
	}
	name := m.GetTableSchema().GetTableName()
	d := Table{Name: string(name.GetQualifier()), SplitKeys: slices.Clone(m.SplitKeys)}
	if ns := string(name.GetNamespace()); ns != "" && ns != "default" {
		d.Name = ns + ":" + d.Name
	}
	slices.SortFunc(d.SplitKeys, func(a, b []byte) int { return slices.Compare(a, b) })
	for _, f := range m.GetTableSchema().GetColumnFamilies() {
		family, err := familyOf(f)
		if err != nil {
			return nil, err
		}
		d.Families = append(d.Families, family)
	}
	if err := s.store.Create(d, s.now()); err != nil {
		return nil, err
	}
	return &pb.CreateTableResponse{ProcId: proto.Uint64(1)}, nil
}

// familyOf reads the attributes of a family. Those that would change what reads show are refused; those about
// speed and files, which have no meaning here, pass.
func familyOf(f *pb.ColumnFamilySchema) (Family, error) {
	family := Family{Name: string(f.Name)}
	plain := map[string][]string{
		"TTL": {"2147483647", "FOREVER"}, "MIN_VERSIONS": {"0"}, "KEEP_DELETED_CELLS": {"false", "FALSE"},
	}
	for _, a := range f.Attributes {
		key, value := string(a.First), string(a.Second)
		if allowed, ok := plain[key]; ok && !slices.Contains(allowed, value) {
			return Family{}, exception.Unsupported("%s=%s of column family %s", key, value, family.Name)
		}
		if key != "VERSIONS" {
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			return Family{}, exception.New(exception.IllegalArgument, "VERSIONS %q of family %s is no number", value, family.Name)
		}
		family.Versions = n
	}
	return family, nil
}
