package hbase

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"
)

// createTable makes a table at once: its procedure is over before a client can ask for it.
func (s *Server) createTable(r *wire.Request) (proto.Message, error) {
	var m pb.CreateTableRequest
	if err := r.Decode(&m); err != nil {
		return nil, err
	}
	name := m.GetTableSchema().GetTableName()
	if err := s.checkNamespace(name); err != nil {
		return nil, err
	}
	d := Table{Name: tableName(name), SplitKeys: slices.Clone(m.SplitKeys)}
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

// checkNamespace refuses a table of HBase itself, and one in a namespace that is not there: none can be made here, but
// a server may have been started with tables in some.
func (s *Server) checkNamespace(name *pb.TableName) error {
	switch ns := string(name.GetNamespace()); ns {
	case "", store.DefaultNamespace:
		return nil
	case "hbase":
		return exception.New(exception.TableExists, "%s: the namespace hbase is HBase's own", tableName(name))
	default:
		for _, t := range s.store.All() {
			if own, _ := t.Namespace(); own == ns {
				return nil
			}
		}
		return exception.New(exception.NamespaceNotFound, "%s", ns)
	}
}

// procedureResult tells that a procedure is over: there are none that last.
func (s *Server) procedureResult(*wire.Request) (proto.Message, error) {
	return &pb.GetProcedureResultResponse{State: pb.GetProcedureResultResponse_FINISHED.Enum()}, nil
}

// versionsSetting is the attribute of a column family that is kept.
const versionsSetting = "VERSIONS"

// settings are the attributes of a column family that change what reads show, with the values that leave it as it is.
var settings = map[string][]string{
	"TTL":                {"2147483647", "FOREVER"},
	"MIN_VERSIONS":       {"0"},
	"KEEP_DELETED_CELLS": {"false", "FALSE"},
}

func unsupportedSettings() []string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		lines = append(lines, fmt.Sprintf("%s of a column family other than %s", key, settings[key][0]))
	}
	return append(lines, fmt.Sprintf("VERSIONS of a column family over %d", store.MaxVersions))
}

// familyOf reads the attributes of a family. Those that would change what reads show are refused; those about
// speed and files, which have no meaning here, pass.
func familyOf(f *pb.ColumnFamilySchema) (Family, error) {
	family := Family{Name: string(f.Name)}
	for _, a := range f.Attributes {
		key, value := string(a.First), string(a.Second)
		if allowed, ok := settings[key]; ok && !slices.Contains(allowed, value) {
			return Family{}, exception.Unsupported("%s=%s of column family %s", key, value, family.Name)
		}
		if key != versionsSetting {
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
