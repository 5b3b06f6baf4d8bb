package hbase

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tsuna/gohbase"
	"github.com/tsuna/gohbase/hrpc"
	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/exception"
)

// versionedServer has a table of three versions with rows a to e in two regions, each with column A at 10, 20, 30,
// 40 and column B at 15.
func versionedServer(t *testing.T) (*Server, gohbase.Client) {
	t.Helper()
	versioned := Table{Name: "v", Families: []Family{{Name: "0", Versions: 3}}, SplitKeys: [][]byte{[]byte("c")}}
	s := start(t, Options{Tables: []Table{versioned}})
	c := connect(t, s.ZooKeeperAddr())
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		for _, timestamp := range []uint64{10, 20, 30, 40} {
			mustPut(t, c, "v", key, timestamp, row{"A": fmt.Sprint(key, timestamp)})
		}
		mustPut(t, c, "v", key, 15, row{"B": key})
	}
	return s, c
}

func TestVersionsAndTimeRanges(t *testing.T) {
	t.Parallel()
	_, c := versionedServer(t)
	type options = []func(hrpc.Call) error
	tests := []struct {
		name    string
		options options
		want    []string
	}{
		{"newest", nil, []string{"A@40=a40", "B@15=a"}},
		{"two versions", options{hrpc.MaxVersions(2)}, []string{"A@40=a40", "A@30=a30", "B@15=a"}},
		{"more than the family has", options{hrpc.MaxVersions(9)}, []string{"A@40=a40", "A@30=a30", "A@20=a20", "B@15=a"}},
		{"range end is exclusive", options{hrpc.TimeRangeUint64(0, 40)}, []string{"A@30=a30", "B@15=a"}},
		{"range start is inclusive", options{hrpc.TimeRangeUint64(40, 50)}, []string{"A@40=a40"}},
		{"superseded version in range", options{hrpc.TimeRangeUint64(0, 20)}, []string{"A@10=a10", "B@15=a"}},
		{"versions in range", options{hrpc.TimeRangeUint64(10, 40), hrpc.MaxVersions(2)},
			[]string{"A@30=a30", "A@20=a20", "B@15=a"}},
		{"one column", options{hrpc.Families(map[string][]string{"0": {"B"}})}, []string{"B@15=a"}},
		{"unknown column", options{hrpc.Families(map[string][]string{"0": {"Z"}})}, nil},
		{"cells of a family", options{hrpc.MaxResultsPerColumnFamily(1), hrpc.ResultOffset(1)}, []string{"B@15=a"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, get(t, c, "v", "a", test.options...)); diff != "" {
				t.Errorf("get: %s", diff)
			}
			var want []string
			if test.want != nil {
				want = []string{fmt.Sprintf("a: %v", test.want)}
			}
			got := scan(t, c, "v", "a", "a\x00", test.options...)
			if diff := cmp.Diff(strings.Join(want, ""), strings.Join(got, "")); diff != "" {
				t.Errorf("scan: %s", diff)
			}
		})
	}
}

func TestScanRanges(t *testing.T) {
	t.Parallel()
	_, c := versionedServer(t)
	tests := []struct {
		from, to string
		options  []func(hrpc.Call) error
		want     string
	}{
		{"", "", nil, "abcde"},
		{"b", "d", nil, "bc"},
		{"bb", "", nil, "cde"},
		{"c", "c", nil, "c"}, // equal ends mean one row, as in HBase
		{"x", "", nil, ""},
		{"e", "", []func(hrpc.Call) error{hrpc.Reversed()}, "edcba"},
		{"dx", "b", []func(hrpc.Call) error{hrpc.Reversed()}, "dc"},
		{"b", "", []func(hrpc.Call) error{hrpc.Reversed(), hrpc.NumberOfRows(1)}, "ba"},
		{"", "", []func(hrpc.Call) error{hrpc.NumberOfRows(1)}, "abcde"},
		{"", "", []func(hrpc.Call) error{hrpc.NumberOfRows(2)}, "abcde"},
		{"", "", []func(hrpc.Call) error{hrpc.MaxResultSize(1)}, "abcde"},
		{"", "", []func(hrpc.Call) error{hrpc.MaxResultSize(1), hrpc.MaxVersions(3)}, "abcde"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%q-%q %d", test.from, test.to, len(test.options)), func(t *testing.T) {
			var got string
			for _, line := range scan(t, c, "v", test.from, test.to, test.options...) {
				got += line[:1]
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestPartsOfRows lets every answer hold one cell at most; the client has to put the rows together again.
func TestPartsOfRows(t *testing.T) {
	t.Parallel()
	_, c := versionedServer(t)
	whole := scan(t, c, "v", "", "", hrpc.MaxVersions(3))
	parts := scan(t, c, "v", "", "", hrpc.MaxVersions(3), hrpc.MaxResultSize(1))
	if diff := cmp.Diff(whole, parts); diff != "" {
		t.Error(diff)
	}
	single := scan(t, c, "v", "", "", hrpc.MaxVersions(3), hrpc.MaxResultSize(1), hrpc.AllowPartialResults())
	if len(single) != 20 {
		t.Errorf("%d parts of one cell, want 20: %v", len(single), single)
	}
}

func TestManyPages(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t, Options{}).ZooKeeperAddr())
	long := strings.Repeat("v", 10000)
	for n := range 10 {
		var puts []*hrpc.Mutate
		for i := range 100 {
			puts = append(puts, put(t, stock, fmt.Sprintf("\x01%02d-%02d", n, i), 1, row{"A": long}))
		}
		batch(t, c, puts)
	}
	rows := scan(t, c, stock, "", "") // 10 MB in pages of 2 MB
	if len(rows) != 1000 {
		t.Fatalf("%d rows, want 1000", len(rows))
	}
	for i, line := range rows {
		if !strings.HasPrefix(line, fmt.Sprintf("\x01%02d-%02d: ", i/100, i%100)) {
			t.Fatalf("row %d is %.20q", i, line)
		}
	}
}

func TestScanSeesTheTableAsItWasWhenItBegan(t *testing.T) {
	t.Parallel()
	_, c := versionedServer(t)
	all, err := hrpc.NewScanRangeStr(deadline(t), "v", "a", "c", hrpc.NumberOfRows(1))
	if err != nil {
		t.Fatal(err)
	}
	scanner := c.Scan(all)
	if _, err := scanner.Next(); err != nil {
		t.Fatal(err)
	}
	mustPut(t, c, "v", "b", 99, row{"A": "after"})
	r, err := scanner.Next()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"A@40=b40", "B@15=b"}, show(r.Cells)); diff != "" {
		t.Error(diff)
	}
	if err := scanner.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestExistence(t *testing.T) {
	t.Parallel()
	_, c := versionedServer(t)
	for key, want := range map[string]bool{"a": true, "aa": false} {
		g, err := hrpc.NewGetStr(deadline(t), "v", key)
		if err != nil {
			t.Fatal(err)
		}
		g.ExistsOnly()
		r, err := c.Get(g)
		if err != nil {
			t.Fatal(err)
		}
		if r.Exists == nil || *r.Exists != want || len(r.Cells) != 0 {
			t.Errorf("existence of %s: %v with %d cells, want %v with none", key, r.Exists, len(r.Cells), want)
		}
	}
}

// call sends one request over a bare connection, as clients other than gohbase would.
func call(t *testing.T, s *Server, method string, param, answer proto.Message) *pb.ResponseHeader {
	t.Helper()
	conn := hello(t, s, regionClient())
	if _, err := conn.Write(frame(t, 1, method, param, nil)); err != nil {
		t.Fatal(err)
	}
	header, rest := reply(t, conn)
	if header.Exception == nil {
		text, n := protowire.ConsumeBytes(rest)
		if n < 0 {
			t.Fatal("answer without a message")
		}
		if err := proto.Unmarshal(text, answer); err != nil {
			t.Fatal(err)
		}
	}
	return header
}

// TestScanFlagsOfNewerClients covers what gohbase cannot send: inclusive ends, row limits, cell limits, call numbers.
func TestScanFlagsOfNewerClients(t *testing.T) {
	t.Parallel()
	const fieldIncludeStart, fieldIncludeStop, fieldLimitOfRows = 21, 22, 11 // of HBase's Client.proto
	s, _ := versionedServer(t)
	first := s.store.All()["v"].Regions[0]
	ends := func(withStart, withStop uint64) []byte {
		b := protowire.AppendVarint(protowire.AppendTag(nil, fieldIncludeStart, protowire.VarintType), withStart)
		return protowire.AppendVarint(protowire.AppendTag(b, fieldIncludeStop, protowire.VarintType), withStop)
	}
	tests := []struct {
		name  string
		scan  *pb.Scan
		flags []byte // of the scan
		limit uint64
		want  []uint32
		more  bool
	}{
		{"both ends", &pb.Scan{StartRow: []byte("a"), StopRow: []byte("b")}, ends(1, 1), 0, []uint32{2, 2}, true},
		{"neither end", &pb.Scan{StartRow: []byte("a"), StopRow: []byte("b")}, ends(0, 0), 0, nil, true},
		{"reversed, both ends", &pb.Scan{StartRow: []byte("b"), StopRow: []byte("a"), Reversed: proto.Bool(true)},
			ends(1, 1), 0, []uint32{2, 2}, true},
		{"limit of rows", &pb.Scan{}, nil, 1, []uint32{2}, false},
		{"limit of cells", &pb.Scan{BatchSize: proto.Uint32(1)}, nil, 0, []uint32{1, 1, 1, 1}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.scan.ProtoReflect().SetUnknown(test.flags)
			m := &pb.ScanRequest{Region: specifier(first), Scan: test.scan, NumberOfRows: proto.Uint32(100)}
			if test.limit > 0 {
				tag := protowire.AppendTag(nil, fieldLimitOfRows, protowire.VarintType)
				m.ProtoReflect().SetUnknown(protowire.AppendVarint(tag, test.limit))
			}
			var answer pb.ScanResponse
			if h := call(t, s, "Scan", m, &answer); h.Exception != nil {
				t.Fatal(h.Exception)
			}
			if diff := cmp.Diff(test.want, answer.CellsPerResult); diff != "" {
				t.Error(diff)
			}
			if len(answer.PartialFlagPerResult) != len(answer.CellsPerResult) || answer.GetMoreResults() != test.more ||
				answer.GetMoreResultsInRegion() == test.more { // a limit that is reached ends the scan, not the region
				t.Errorf("flags of the answer: %v", &answer)
			}
		})
	}
}

func TestScannerLifeCycle(t *testing.T) {
	t.Parallel()
	s, _ := versionedServer(t)
	first := s.store.All()["v"].Regions[0]
	var answer pb.ScanResponse
	one := proto.Uint32(1)
	open := &pb.ScanRequest{Region: specifier(first), Scan: &pb.Scan{}, NumberOfRows: one, NextCallSeq: proto.Uint64(0)}
	call(t, s, "Scan", open, &answer)
	id := answer.ScannerId
	if !answer.GetMoreResultsInRegion() || len(answer.CellsPerResult) != 1 {
		t.Fatalf("first page: %v", &answer)
	}
	call(t, s, "Scan", &pb.ScanRequest{ScannerId: id, Renew: proto.Bool(true)}, &answer)
	h := call(t, s, "Scan", &pb.ScanRequest{ScannerId: id, NumberOfRows: one, NextCallSeq: proto.Uint64(5)}, &answer)
	if h.Exception.GetExceptionClassName() != exception.OutOfOrderNext {
		t.Errorf("call out of order: %v", h.Exception)
	}
	call(t, s, "Scan", &pb.ScanRequest{ScannerId: id, CloseScanner: proto.Bool(true)}, &answer)
	h = call(t, s, "Scan", &pb.ScanRequest{ScannerId: id, NumberOfRows: one}, &answer)
	if h.Exception.GetExceptionClassName() != exception.UnknownScanner {
		t.Errorf("closed scanner: %v", h.Exception)
	}
}
