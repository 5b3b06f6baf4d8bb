package hbase

import (
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"
)

// tableNames answers with the tables whose names match a pattern.
func (s *Server) tableNames(r *wire.Request) (proto.Message, error) {
	var m pb.GetTableNamesRequest
	if err := r.Decode(&m); err != nil {
		return nil, err
	}
	tables, err := s.tablesLike(m.GetRegex(), m.GetNamespace())
	if err != nil {
		return nil, err
	}
	answer := &pb.GetTableNamesResponse{}
	for _, t := range tables {
		answer.TableNames = append(answer.TableNames, nameOf(t))
	}
	return answer, nil
}

// tableDescriptors answers with the tables that are named, or whose names match a pattern, and their column families.
func (s *Server) tableDescriptors(r *wire.Request) (proto.Message, error) {
	var m pb.GetTableDescriptorsRequest
	if err := r.Decode(&m); err != nil {
		return nil, err
	}
	tables, err := s.tablesLike(m.GetRegex(), m.GetNamespace())
	if err != nil {
		return nil, err
	}
	if len(m.TableNames) > 0 {
		tables = slices.DeleteFunc(append(tables, s.meta.Table), func(t *store.Table) bool {
			return !slices.ContainsFunc(m.TableNames, func(name *pb.TableName) bool { return tableName(name) == t.Name })
		})
	}
	answer := &pb.GetTableDescriptorsResponse{}
	for _, t := range tables {
		schema := &pb.TableSchema{TableName: nameOf(t)}
		for _, f := range t.Families {
			versions := &pb.BytesBytesPair{First: []byte(versionsSetting), Second: []byte(strconv.Itoa(f.Versions))}
			schema.ColumnFamilies = append(schema.ColumnFamilies,
				&pb.ColumnFamilySchema{Name: []byte(f.Name), Attributes: []*pb.BytesBytesPair{versions}})
		}
		answer.TableSchema = append(answer.TableSchema, schema)
	}
	return answer, nil
}

// tablesLike are the tables whose whole name matches a pattern, in order; an empty pattern or namespace means any.
func (s *Server) tablesLike(pattern, namespace string) ([]*store.Table, error) {
	if pattern == "" {
		pattern = ".*"
	}
	match, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return nil, exception.New(exception.IllegalArgument, "table name pattern: %v", err)
	}
	all := s.store.All()
	var tables []*store.Table
	for _, name := range slices.Sorted(maps.Keys(all)) {
		own, _ := all[name].Namespace()
		if match.MatchString(name) && (namespace == "" || namespace == own) {
			tables = append(tables, all[name])
		}
	}
	return tables, nil
}

func nameOf(t *store.Table) *pb.TableName {
	namespace, qualifier := t.Namespace()
	return &pb.TableName{Namespace: []byte(namespace), Qualifier: []byte(qualifier)}
}

// tableName is a name as HBase shows it.
func tableName(name *pb.TableName) string {
	if ns := string(name.GetNamespace()); ns != "" && ns != store.DefaultNamespace {
		return ns + ":" + string(name.GetQualifier())
	}
	return string(name.GetQualifier())
}
