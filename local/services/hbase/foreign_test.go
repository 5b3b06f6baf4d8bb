package hbase

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tsuna/gohbase/hrpc"
	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"
)

// TestAttributesOfOtherClients has what HBase's Java client sends of its own accord, and what would change an answer.
func TestAttributesOfOtherClients(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	region := specifier(s.store.All()[stock].Regions[0])
	row := []byte{0, 1}
	for name, accepted := range map[string]bool{
		"_isolationlevel_": true, "_operation.attributes.id": true, "scan.attributes.metrics.enable": true,
		"_raw_": false, "_ttl": false, "acl": false, "VISIBILITY": false, "_ScanRanges": false,
	} {
		of := []*pb.NameBytesPair{{Name: &name, Value: []byte("1")}}
		put := &pb.MutationProto{Row: row, MutateType: pb.MutationProto_PUT.Enum(), Attribute: of}
		for method, m := range map[string]proto.Message{
			"Get":    &pb.GetRequest{Region: region, Get: &pb.Get{Row: row, Attribute: of}},
			"Scan":   &pb.ScanRequest{Region: region, Scan: &pb.Scan{Attribute: of}, CloseScanner: proto.Bool(true)},
			"Mutate": &pb.MutateRequest{Region: region, Mutation: put},
		} {
			_, err := s.call("ClientService", request(t, method, m))
			if accepted && err != nil {
				t.Errorf("%s with %s: %v", method, name, err)
			} else if !accepted {
				wantError(t, err, exception.DoNotRetryIO, "attribute "+name)
			}
		}
	}
}

// TestFieldsOfNewerClients has fields that the client library's messages lack: what changes no answer is passed over.
func TestFieldsOfNewerClients(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	region := specifier(s.store.All()[stock].Regions[0])
	field := func(number protowire.Number) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), 1)
	}
	get := &pb.Get{Row: []byte{0, 1}}
	get.ProtoReflect().SetUnknown(field(14)) // load column families on demand
	scan := &pb.Scan{}
	scan.ProtoReflect().SetUnknown(append(field(23), field(24)...)) // type of reading, cursor wanted
	for method, m := range map[string]proto.Message{
		"Get":  &pb.GetRequest{Region: region, Get: get},
		"Scan": &pb.ScanRequest{Region: region, Scan: scan, CloseScanner: proto.Bool(true)},
	} {
		if _, err := s.call("ClientService", request(t, method, m)); err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
	put := &pb.MutationProto{Row: []byte{0, 1}, MutateType: pb.MutationProto_PUT.Enum()}
	action := &pb.RegionAction{Region: region, Action: []*pb.Action{{Mutation: put}}}
	action.ProtoReflect().SetUnknown(protowire.AppendBytes(
		protowire.AppendTag(nil, fieldCondition, protowire.BytesType), []byte("condition")))
	out, err := s.call("ClientService", request(t, "Multi", &pb.MultiRequest{RegionAction: []*pb.RegionAction{action}}))
	if err != nil {
		t.Fatal(err)
	}
	refusal := out.Message.(*pb.MultiResponse).RegionActionResult[0].GetException()
	if refusal.GetName() != exception.DoNotRetryIO || !strings.Contains(string(refusal.GetValue()), "checkAndMutate") {
		t.Errorf("condition of a region action: %v", refusal)
	}
}

func TestDescriptors(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Tables: []Table{
		{Name: "a", Families: []Family{{Name: "0", Versions: 3}, {Name: "1"}}}, {Name: "b", Families: []Family{{Name: "0"}}},
	}})
	named := func(names ...string) *pb.GetTableDescriptorsRequest {
		m := &pb.GetTableDescriptorsRequest{}
		for _, name := range names {
			m.TableNames = append(m.TableNames, nameOf(&store.Table{Name: name}))
		}
		return m
	}
	for _, test := range []struct {
		name string
		m    *pb.GetTableDescriptorsRequest
		want string
	}{
		{"one", named("a"), "a 0=3 1=1"},
		{"missing", named("c"), ""},
		{"meta", named("hbase:meta"), "hbase:meta info=1 table=1 rep_barrier=1 ns=1"},
		{"all", named(), "a 0=3 1=1 b 0=1"},
		{"pattern", &pb.GetTableDescriptorsRequest{Regex: proto.String("b.*")}, "b 0=1"},
		{"namespace", &pb.GetTableDescriptorsRequest{Namespace: proto.String("other")}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, err := s.call("MasterService", request(t, "GetTableDescriptors", test.m))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, schema := range out.Message.(*pb.GetTableDescriptorsResponse).TableSchema {
				got = append(got, tableName(schema.TableName))
				for _, f := range schema.ColumnFamilies {
					got = append(got, string(f.Name)+"="+string(f.Attributes[0].Second))
				}
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestClusterStatusNamesTheServer(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	out, err := s.call("MasterService", request(t, "GetClusterStatus", &pb.GetClusterStatusRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	if !wire.HasField(out.Message.(*pb.GetClusterStatusResponse).ClusterStatus, fieldServersName) {
		t.Error("no name among the names of servers")
	}
}

// TestAnswerToGetsIsBounded has gets of which only the first two fit.
func TestAnswerToGetsIsBounded(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	s.maxCells = 15000
	c := connect(t, s.ZooKeeperAddr())
	mustPut(t, c, stock, "\x01r", 1, row{"A": strings.Repeat("x", 10000)})
	var calls []hrpc.Call
	for range 4 {
		g, err := hrpc.NewGetStr(deadline(t), stock, "\x01r")
		if err != nil {
			t.Fatal(err)
		}
		calls = append(calls, g)
	}
	results, _ := c.SendBatch(deadline(t), calls)
	for i, r := range results {
		if i < 2 && r.Error != nil {
			t.Errorf("get %d: %v", i, r.Error)
		} else if i >= 2 {
			wantError(t, r.Error, exception.ResultTooLarge, "over the limit of 15000")
		}
	}
}

func TestNamesAreChecked(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Tables: []Table{{Name: "made:before", Families: []Family{{Name: "0"}}}}})
	for _, test := range []struct {
		namespace, table string
		families         []string
		want             string // class of the refusal, empty when the table is made
	}{
		{"", "USER_TEST.STOCK-1", []string{"0", "info"}, ""},
		{"default", "价格", []string{"0"}, ""},
		{"made", "after", []string{"0"}, ""},
		{"hbase", "meta", []string{"0"}, exception.TableExists},
		{"none", "t", []string{"0"}, exception.NamespaceNotFound},
		{"", "../../etc/x", []string{"0"}, exception.IllegalArgument},
		{"", ".t", []string{"0"}, exception.IllegalArgument},
		{"", "-t", []string{"0"}, exception.IllegalArgument},
		{"", "a\nb", []string{"0"}, exception.IllegalArgument},
		{"", "", []string{"0"}, exception.IllegalArgument},
		{"", "t", []string{"a:b"}, exception.IllegalArgument},
		{"", "t", []string{".a"}, exception.IllegalArgument},
		{"", "t", []string{"a\n"}, exception.IllegalArgument},
		{"", "t", []string{"0", "0"}, exception.IllegalArgument},
		{"", "t", nil, exception.DoNotRetryIO},
	} {
		t.Run(test.namespace+":"+test.table, func(t *testing.T) {
			schema := &pb.TableSchema{TableName: &pb.TableName{
				Namespace: []byte(test.namespace), Qualifier: []byte(test.table)}}
			for _, name := range test.families {
				schema.ColumnFamilies = append(schema.ColumnFamilies, &pb.ColumnFamilySchema{Name: []byte(name)})
			}
			_, err := s.call("MasterService", request(t, "CreateTable", &pb.CreateTableRequest{TableSchema: schema}))
			if test.want == "" && err != nil || test.want != "" && (err == nil || exception.Of(err).Class != test.want) {
				t.Errorf("families %q: %v, want %s", test.families, err, test.want)
			}
		})
	}
}

func TestUnsupportedIsAListOfShortLines(t *testing.T) {
	t.Parallel()
	lines := Unsupported()
	all := strings.Join(lines, "\n")
	for _, want := range []string{"checkAndMutate", "APPEND", "other than CreateTable", "FilterList", "TTL"} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing about %s in:\n%s", want, all)
		}
	}
	seen := map[string]bool{}
	for _, line := range lines {
		if line == "" || strings.Contains(line, "\n") || seen[line] {
			t.Errorf("line %q is empty, broken or there twice", line)
		}
		seen[line] = true
	}
}
