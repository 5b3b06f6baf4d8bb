package hbase

import (
	"regexp"
	"slices"

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
