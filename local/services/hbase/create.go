package hbase

import (
	"slices"
	"strconv"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/wire"
)

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

// procedureResult tells that a procedure is over: there are none that last.
func (s *Server) procedureResult(*wire.Request) (proto.Message, error) {
	return &pb.GetProcedureResultResponse{State: pb.GetProcedureResultResponse_FINISHED.Enum()}, nil
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
			return Family{}, exception.New(exception.IllegalArgument,
				"VERSIONS %q of family %s is no number", value, family.Name)
		}
		family.Versions = n
	}
	return family, nil
}
