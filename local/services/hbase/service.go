package hbase

import (
	"regexp"
	"slices"
	"strconv"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/store"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"
)

// clientService runs a method of the region server.
func (s *Server) clientService(r *request) (response, error) {
	switch r.method {
	case "Get":
		return s.get(r)
	case "Scan":
		return s.scan(r)
	case "Mutate":
		return s.mutate(r)
	case "Multi":
		return s.multi(r)
	}
	return response{}, exception.Unsupported("ClientService.%s", r.method)
}

// masterService runs a method of the master.
func (s *Server) masterService(r *request) (response, error) {
	var run func(*request) (proto.Message, error)
	switch r.method {
	case "IsMasterRunning":
		run = func(*request) (proto.Message, error) {
			return &pb.IsMasterRunningResponse{IsMasterRunning: proto.Bool(true)}, nil
		}
	case "GetTableNames":
		run = s.tableNames
	case "GetClusterStatus":
		run = func(*request) (proto.Message, error) { return s.clusterStatus(), nil }
	case "CreateTable":
		run = s.createTable
	case "getProcedureResult":
		run = func(*request) (proto.Message, error) {
			return &pb.GetProcedureResultResponse{State: pb.GetProcedureResultResponse_FINISHED.Enum()}, nil
		}
	default:
		return response{}, exception.Unsupported("MasterService.%s", r.method)
	}
	return s.faulty(Call{Method: r.method, Actions: 1}, func() (response, error) {
		m, err := run(r)
		return response{message: m}, err
	})
}

func (s *Server) tableNames(r *request) (proto.Message, error) {
	var m pb.GetTableNamesRequest
	if err := r.decode(&m); err != nil {
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

func (s *Server) clusterStatus() proto.Message {
	return &pb.GetClusterStatusResponse{ClusterStatus: &pb.ClusterStatus{
		HbaseVersion: &pb.HBaseVersionFileContent{Version: proto.String("2.6.1")},
		ClusterId:    &pb.ClusterId{ClusterId: proto.String("feedstream")},
		Master:       s.serverName(),
		LiveServers:  []*pb.LiveServerInfo{{Server: s.serverName(), ServerLoad: &pb.ServerLoad{}}},
	}}
}

// createTable makes a table at once: its procedure is over before a client can ask for it.
func (s *Server) createTable(r *request) (proto.Message, error) {
	var m pb.CreateTableRequest
	if err := r.decode(&m); err != nil {
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
