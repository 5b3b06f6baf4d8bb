package hbase

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tsuna/gohbase"
	"github.com/tsuna/gohbase/hrpc"
	"github.com/tsuna/gohbase/pb"
	"github.com/tsuna/gohbase/region"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"feedstream/shared/feed"
	"feedstream/shared/phoenix"
	"feedstream/shared/testkit"
)

var layout = phoenix.Layout{Table: "USER_TEST.STOCK", Index: "USER_TEST.STOCK_CODE_INDEX",
	SaltBuckets: 16, IndexSaltBuckets: 16, Uncovered: true}

func testRows(n int) *phoenix.Batch {
	records := make([]feed.Record, n)
	for i := range records {
		price := feed.Price(782_500)
		records[i] = feed.Record{
			Update:  feed.Update{Sender: fmt.Sprintf("192.168.2.%d", i), StockCode: "2318.HK", Time: 1605760851123},
			Origin:  feed.Origin{Topic: "feed-updates", Partition: 3, Offset: int64(i)},
			Matched: true, StockName: "Ping An Insurance", LastPrice: &price, ReferenceVersion: "20261123T021500Z-3f2a91c4",
		}
	}
	return layout.Batch(records)
}

func TestNewRefuses(t *testing.T) {
	for _, tc := range []struct {
		cfg  Config
		says string
	}{
		{Config{}, "is empty"},
		{Config{ZooKeeper: " "}, "is empty"},
		{Config{ZooKeeper: "zk1"}, `"zk1"`},
		{Config{ZooKeeper: "zk1:2181,:2181"}, `":2181"`},
		{Config{ZooKeeper: "zk1:2181", Root: "hbase"}, `"hbase"`},
	} {
		_, err := New(tc.cfg)
		testkit.WantError(t, err, tc.says)
	}
	c, err := New(Config{ZooKeeper: "zk1:2181, zk2:2181"})
	if err != nil || c.cfg.ZooKeeper != "zk1:2181,zk2:2181" {
		t.Fatalf("New: %v, quorum %q", err, c.cfg.ZooKeeper)
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Errorf("Close twice: %v", err)
	}
}

// TestPutAsTheLibraryWritesIt: our encoded cells are those the library makes of the same row.
func TestPutAsTheLibraryWritesIt(t *testing.T) {
	row := layout.Row(&feed.Record{Update: feed.Update{Sender: "192.168.2.0", StockCode: "2318.HK", Time: 1605760851123}}).Index
	calls, err := newPuts(t.Context(), rows{layout.Index, testRows(1).Index(), []int{0}}) // one cell, as the library puts several in the order of a map
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]map[string][]byte{phoenix.Family: {row.Cells[0].Qualifier: row.Cells[0].Value}}
	want, err := hrpc.NewPut(t.Context(), []byte(layout.Index), row.Key, values, hrpc.TimestampUint64(uint64(row.Timestamp)))
	if err != nil {
		t.Fatal(err)
	}
	info := region.NewInfo(1, nil, []byte(layout.Index), []byte("region"), nil, nil)
	want.SetRegion(info)
	calls[0].SetRegion(info)

	ours, ourBlocks, ourSize := calls[0].(*put).SerializeCellBlocks(nil)
	theirs, theirBlocks, theirSize := want.SerializeCellBlocks(nil)
	if ourSize != theirSize || !bytes.Equal(bytes.Join(ourBlocks, nil), bytes.Join(theirBlocks, nil)) {
		t.Errorf("cells %x (%d), the library writes %x (%d)", ourBlocks, ourSize, theirBlocks, theirSize)
	}
	checkMessage(t, ours, theirs)
	if !hrpc.CanBatch(calls[0]) {
		t.Error("the library would not batch the call")
	}
}

// checkMessage compares two messages but for the timestamp of the whole, which the cells carry.
func checkMessage(t *testing.T, ours, theirs proto.Message) {
	t.Helper()
	theirs.(*pb.MutateRequest).Mutation.Timestamp = nil
	if diff := cmp.Diff(theirs, ours, protocmp.Transform()); diff != "" {
		t.Errorf("message (-library +ours):\n%s", diff)
	}
}

func TestSplit(t *testing.T) {
	puts := rows{"T", testRows(10).Data(), []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}
	size := puts.side.Size(0)
	for _, tc := range []struct {
		name        string
		rows, bytes int
		want        []span
	}{
		{"one batch", 100, 1 << 20, []span{{0, 10}}},
		{"by rows", 4, 1 << 20, []span{{0, 4}, {4, 8}, {8, 10}}},
		{"exactly", 5, 1 << 20, []span{{0, 5}, {5, 10}}},
		{"by bytes", 100, 3 * size, []span{{0, 3}, {3, 6}, {6, 9}, {9, 10}}},
		{"rows larger than a batch", 100, 1, []span{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {5, 6}, {6, 7}, {7, 8}, {8, 9}, {9, 10}}},
	} {
		c := &Client{cfg: Config{BatchRows: tc.rows, BatchBytes: tc.bytes}}
		if got := c.split(puts); !cmp.Equal(got, tc.want, cmp.AllowUnexported(span{})) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
	if got := (&Client{}).split(rows{}); len(got) != 0 {
		t.Errorf("no rows: %v", got)
	}
}

func TestClassify(t *testing.T) {
	exception := func(class, stack string) error { return fmt.Errorf("HBase Java exception %s:\n%s", class, stack) }
	errRejected := errors.New("stands for any *rejection")
	is := func(err, class error) bool {
		if class == errRejected {
			return isRejection(err)
		}
		return errors.Is(err, class)
	}
	const pkg = "org.apache.hadoop.hbase."
	for _, tc := range []struct {
		name string
		err  error
		want error
		says string
	}{
		{"rejected", exception(pkg+"DoNotRetryIOException", pkg+"DoNotRetryIOException: Cell exceeds limit\n\tat x"), errRejected, "Cell exceeds limit"},
		{"no family", exception(pkg+"regionserver.NoSuchColumnFamilyException", "Column family 1\n\tat x"), ErrUnavailable, "Column family 1"},
		{"any exception", exception("java.io.IOException", "disk full\n\tat x"), ErrUnavailable, "disk full"},
		{"denied", exception(pkg+"security.AccessDeniedException", "no\n"), ErrUnavailable, "AccessDenied"},
		{"table gone", exception(pkg+"TableNotFoundException", "USER_TEST.STOCK"), ErrTableNotFound, "USER_TEST.STOCK"},
		{"table unknown", gohbase.TableNotFound, ErrTableNotFound, ""},
		{"connection", region.ServerError{}, ErrUnavailable, ""},
		{"moved", region.NotServingRegionError{}, ErrUnavailable, ""},
		{"busy", region.RetryableError{}, ErrUnavailable, ""},
		{"batch", gohbase.NotExecutedError, ErrUnavailable, ""},
		{"time", context.DeadlineExceeded, ErrUnavailable, ""},
		{"cancelled", context.Canceled, context.Canceled, ""},
	} {
		got := classify(tc.err)
		if !is(got, tc.want) || !strings.Contains(got.Error(), tc.says) || strings.Contains(got.Error(), "\tat") {
			t.Errorf("%s: %v, want %v that says %q and no stack", tc.name, got, tc.want, tc.says)
		}
		for _, class := range []error{ErrUnavailable, errRejected, ErrTableNotFound} {
			if class != tc.want && is(got, class) {
				t.Errorf("%s: %v is %v too", tc.name, got, class)
			}
		}
	}
	long := classify(exception("java.io.IOException", strings.Repeat("é", 4000)))
	if len(long.Error()) > 1000 {
		t.Errorf("a long message becomes an error of %d bytes", len(long.Error()))
	}
}

// silent accepts connections and never answers.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	return l.Addr().String()
}

func always() int64 { return 0 }

// TestSilentHBase: every call ends by its own limit or the caller's, and says where it waited.
func TestSilentHBase(t *testing.T) {
	address := silent(t)
	c, err := New(Config{ZooKeeper: address, Timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for name, call := range map[string]func() error{
		"write":      func() error { return c.WriteRows(t.Context(), layout.Table, layout.Index, testRows(3)) },
		"write, own": func() error { return c.WriteRows(ctx, layout.Table, layout.Index, testRows(3)) },
		"get":        func() error { _, err := c.Get(t.Context(), layout.Table, [][]byte{{1}}); return err },
		"keys": func() error {
			return c.ScanKeys(t.Context(), layout.Index, layout.IndexRanges("A"), always, func([]byte, int64) {})
		},
		"catalog":     func() error { _, err := c.Catalog(t.Context(), layout.Table, layout.Index); return err },
		"fingerprint": func() error { _, err := c.Fingerprint(t.Context(), layout.Table, layout.Index); return err },
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			err := call()
			if !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), address) {
				t.Errorf("%v, want ErrUnavailable by the deadline that names %s", err, address)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := c.WriteRows(stopped, layout.Table, layout.Index, testRows(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v, want context.Canceled", err)
	}
}

// TestQuiet: what the library calls an error is a warning to us.
func TestQuiet(t *testing.T) {
	var out strings.Builder
	handler := slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})
	logger := slog.New(quiet{handler}).With("a", 1).WithGroup("g")
	logger.Info("a region is found")
	logger.Error("a connection died", "b", 2)
	if got := out.String(); strings.Contains(got, "region") || !strings.Contains(got, "level=WARN") || !strings.Contains(got, "a=1 g.b=2") {
		t.Errorf("%s", got)
	}
}

// BenchmarkPuts makes the calls of one batch, per row.
func BenchmarkPuts(b *testing.B) {
	batch := testRows(250)
	puts := rows{layout.Table, batch.Data(), make([]int, batch.Len())}
	info := region.NewInfo(1, nil, []byte(layout.Table), []byte("region"), nil, nil)
	b.ReportAllocs()
	for i := 0; i < b.N; i += batch.Len() {
		calls, err := newPuts(b.Context(), puts.part(0, min(batch.Len(), b.N-i)))
		if err != nil {
			b.Fatal(err)
		}
		size := uint64(0)
		for _, call := range calls {
			call.SetRegion(info)
			_, _, n := call.(*put).SerializeCellBlocks(nil)
			size += uint64(n)
		}
		if size > math.MaxUint32 {
			b.Fatal("too large")
		}
	}
}
