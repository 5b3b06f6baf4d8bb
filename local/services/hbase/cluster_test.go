package hbase

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/google/go-cmp/cmp"
	"github.com/tsuna/gohbase"
	"github.com/tsuna/gohbase/hrpc"
	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/wire"
)

type quietZK struct{}

func (quietZK) Printf(string, ...any) {}

func TestZooKeeper(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	conn, _, err := zk.Connect([]string{s.ZooKeeperAddr()}, time.Second, zk.WithLogger(quietZK{}))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, path := range []string{"/hbase/meta-region-server", "/hbase/master", "/hbase/hbaseid"} {
		data, stat, err := conn.Get(path)
		if err != nil || data[0] != 0xff || int(stat.DataLength) != len(data) {
			t.Errorf("%s: %x, %v, %v", path, data, stat, err)
		}
		if found, _, err := conn.Exists(path); !found || err != nil {
			t.Errorf("exists %s: %v, %v", path, found, err)
		}
	}
	names, stat, err := conn.Children("/hbase")
	diff := cmp.Diff([]string{"hbaseid", "master", "meta-region-server"}, names)
	if diff != "" || err != nil || stat.NumChildren != 3 {
		t.Error(diff, err, stat)
	}
	if _, _, err := conn.Get("/other"); !errors.Is(err, zk.ErrNoNode) {
		t.Errorf("unknown node: %v", err)
	}
	_, err = conn.Create("/hbase/new", nil, 0, zk.WorldACL(zk.PermAll))
	wantError(t, err, "-6") // the code of Unimplemented
}

func TestCacheRegionsReadsMetaForwards(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t, Options{}).ZooKeeperAddr())
	if err := c.CacheRegions([]byte(stock)); err != nil {
		t.Fatal(err)
	}
	mustPut(t, c, stock, "\x0fr", 1, row{"A": "1"})
	g, err := hrpc.NewGetStr(deadline(t), "NO.SUCH", "r")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(g); !errors.Is(err, gohbase.TableNotFound) {
		t.Errorf("unknown table: %v", err)
	}
}

// TestMetaOrder has what plain byte order gets wrong: a start key below the comma, and one that is a prefix.
func TestMetaOrder(t *testing.T) {
	t.Parallel()
	keys := []string{"a,,1", "a,\x01,1", "a,+,1", "a,+,2", "a,,,1", "a,-,1", "a,b,1", "a.b,,1", "b"}
	for i := 1; i < len(keys); i++ {
		if compareMeta([]byte(keys[i-1]), []byte(keys[i])) >= 0 || compareMeta([]byte(keys[i]), []byte(keys[i-1])) <= 0 {
			t.Errorf("%q does not sort before %q", keys[i-1], keys[i])
		}
	}
}

func TestCreateTable(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	admin := gohbase.NewAdminClient(s.ZooKeeperAddr(), quiet())
	create := func() *hrpc.CreateTable {
		return hrpc.NewCreateTable(deadline(t), []byte("made"), map[string]map[string]string{"0": {"VERSIONS": "2"}},
			hrpc.SplitKeys([][]byte{[]byte("m"), []byte("f")}))
	}
	if err := admin.CreateTable(create()); err != nil {
		t.Fatal(err)
	}
	wantError(t, admin.CreateTable(create()), exception.TableExists)
	c := connect(t, s.ZooKeeperAddr())
	for i, key := range []string{"a", "g", "z"} {
		mustPut(t, c, "made", key, uint64(i+1), row{"A": key})
	}
	if diff := cmp.Diff([]string{"a: [A@1=a]", "g: [A@2=g]", "z: [A@3=z]"}, scan(t, c, "made", "", "")); diff != "" {
		t.Error(diff)
	}
	list, err := hrpc.NewListTableNames(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	names, err := admin.ListTableNames(list)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range names {
		got = append(got, string(n.Qualifier))
	}
	if diff := cmp.Diff([]string{catalog, stock, index, "made"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := admin.ClusterStatus(); err != nil {
		t.Error(err)
	}
	wantError(t, admin.DisableTable(hrpc.NewDisableTable(deadline(t), []byte("made"))), "MasterService.DisableTable")
}

func TestBadTablesAreRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		table Table
		want  string
	}{
		{Table{Name: "a,b", Families: []Family{{Name: "0"}}}, `table name "a,b"`},
		{Table{Name: "a"}, "no column family"},
		{Table{Name: "a", Families: []Family{{Name: "0", Versions: 201}}}, "VERSIONS 201"},
		{Table{Name: "a", Families: []Family{{Name: "0"}}, SplitKeys: [][]byte{{2}, {1}}}, "split key 01"},
		{Table{Name: "a", Families: []Family{{Name: "0"}}, Cells: []Cell{{Family: "1"}}}, "column family 1 does not exist"},
	}
	for _, test := range tests {
		_, err := Start(Options{Dir: t.TempDir(), Tables: []Table{test.table}})
		wantError(t, err, test.want)
	}
	_, err := Start(Options{})
	wantError(t, err, "Options.Dir")
}

func TestCatalogIsThereAndMayBeBroken(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t, Options{}).ZooKeeperAddr())
	header := "\x00USER_TEST\x00STOCK"
	if got := catalogValue(t, c, header, "SALT_BUCKETS"); got != "\x80\x00\x00\x10" {
		t.Errorf("salt buckets: %q", got)
	}
	if n := len(scan(t, c, catalog, header, header+"\x01")); n != 12 { // header, 10 columns, index link
		t.Errorf("%d catalog rows of the table, want 12", n)
	}
	tables := mustDefaults(t)
	for i := range tables[0].Cells {
		if cell := &tables[0].Cells[i]; cell.Qualifier == "STORE_NULLS" && string(cell.Row) == header {
			cell.Value = []byte{0}
		}
	}
	c = connect(t, start(t, Options{Tables: tables}).ZooKeeperAddr())
	if got := catalogValue(t, c, header, "STORE_NULLS"); got != "\x00" {
		t.Errorf("store nulls: %q", got)
	}
}

func catalogValue(t *testing.T, c gohbase.Client, key, qualifier string) string {
	t.Helper()
	cells := get(t, c, catalog, key, hrpc.Families(map[string][]string{"0": {qualifier}}))
	_, value, _ := strings.Cut(strings.Join(cells, ""), "=")
	return value
}

func TestRestartKeepsTablesRowsAndPorts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, Options{Dir: dir})
	c := connect(t, s.ZooKeeperAddr())
	for i := range 50 { // many operands for the merge to join after the restart
		mustPut(t, c, stock, "\x01r", uint64(i+1), row{"A": fmt.Sprint(i)})
	}
	if err := s.SplitRegion(stock, []byte("\x01m")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := start(t, Options{Dir: dir, ZooKeeperAddr: s.ZooKeeperAddr(), Addr: s.Addr()})
	if again.ZooKeeperAddr() != s.ZooKeeperAddr() || again.Addr() != s.Addr() {
		t.Errorf("addresses moved to %s and %s", again.ZooKeeperAddr(), again.Addr())
	}
	if diff := cmp.Diff([]string{"A@50=49"}, get(t, c, stock, "\x01r")); diff != "" {
		t.Error(diff)
	}
	if n := len(again.store.All()[stock].Regions); n != 17 {
		t.Errorf("%d regions, want 17", n)
	}
	if _, err := Start(Options{Dir: dir}); err == nil {
		t.Error("a second server opened the directory")
	}
}

func TestSnappyIsRefusedByName(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	header := regionClient()
	header.CellBlockCompressorClass = proto.String("org.apache.hadoop.io.compress.SnappyCodec")
	conn := hello(t, s, header)
	get := &pb.GetRequest{Region: specifier(s.meta), Get: &pb.Get{Row: []byte("r")}}
	if _, err := conn.Write(frame(t, 3, "Get", get, nil)); err != nil {
		t.Fatal(err)
	}
	h, _ := reply(t, conn)
	if h.GetCallId() != 3 || h.Exception.GetExceptionClassName() != exception.DoNotRetryIO {
		t.Errorf("answer: %v", h)
	}
	wantError(t, errors.New(h.Exception.GetStackTrace()), "SnappyCodec")
}

func TestBadConnectionsEnd(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Logger: slog.New(slog.DiscardHandler)})
	tests := []struct{ name, bytes, want string }{
		{"kerberos", "HBas\x00\x51", exception.BadAuth},
		{"not hbase", "GET / HTTP/1.1\r\n", exception.WrongVersion},
		{"huge header", "HBas\x00\x50\xff\xff\xff\xff", exception.RequestTooBig},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", s.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Write([]byte(test.bytes)); err != nil {
				t.Fatal(err)
			}
			h, _ := reply(t, conn)
			if h.GetCallId() != wire.FatalCallID || h.Exception.GetExceptionClassName() != test.want {
				t.Errorf("answer: %v", h)
			}
			if n, err := conn.Read(make([]byte, 1)); err == nil {
				t.Errorf("the connection goes on with %d bytes", n)
			}
		})
	}
	conn, err := net.Dial("tcp", s.ZooKeeperAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(binary.BigEndian.AppendUint32(nil, 1<<20+1)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("oversized zookeeper frame: %v", err)
	}
}

// TestConnectionsAreCounted: one beyond the most is closed, and one that ends makes room.
func TestConnectionsAreCounted(t *testing.T) {
	t.Parallel()
	s := &Server{conns: map[net.Conn]struct{}{}}
	var last net.Conn
	for range maxConnections {
		last, _ = net.Pipe()
		if err := s.enter(last); err != nil {
			t.Fatal(err)
		}
	}
	next, _ := net.Pipe()
	if err := s.enter(next); !errors.Is(err, errFull) {
		t.Errorf("one too many: %v", err)
	}
	s.leave(last)
	if err := s.enter(next); err != nil {
		t.Errorf("after one has gone: %v", err)
	}
}
