package hbase

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tsuna/gohbase"
	"github.com/tsuna/gohbase/hrpc"
)

const (
	stock   = "USER_TEST.STOCK"
	index   = "USER_TEST.STOCK_CODE_INDEX"
	catalog = "SYSTEM.CATALOG"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDirEnv); dir != "" {
		crashServer(dir)
		return
	}
	os.Exit(m.Run())
}

func start(t testing.TB, options Options) *Server {
	t.Helper()
	if options.Dir == "" {
		options.Dir = t.TempDir()
	}
	s, err := Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func quiet() gohbase.Option { return gohbase.Logger(slog.New(slog.DiscardHandler)) }

func connect(t testing.TB, zookeeper string, options ...gohbase.Option) gohbase.Client {
	t.Helper()
	options = append([]gohbase.Option{gohbase.RpcQueueSize(1), quiet()}, options...)
	c := gohbase.NewClient(zookeeper, options...)
	t.Cleanup(c.Close)
	return c
}

func deadline(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// wantError checks that an error is there and holds all the parts.
func wantError(t testing.TB, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error is %v, want one with %q", err, part)
		}
	}
}

type row = map[string]string // qualifier -> value

// put makes a put into family 0; a timestamp of 0 leaves it to the server.
func put(t testing.TB, table, key string, timestamp uint64, cells row) *hrpc.Mutate {
	t.Helper()
	values := map[string][]byte{}
	for q, v := range cells {
		values[q] = []byte(v)
	}
	var options []func(hrpc.Call) error
	if timestamp != 0 {
		options = append(options, hrpc.TimestampUint64(timestamp))
	}
	m, err := hrpc.NewPutStr(deadline(t), table, key, map[string]map[string][]byte{"0": values}, options...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mustPut(t testing.TB, c gohbase.Client, table, key string, timestamp uint64, cells row) {
	t.Helper()
	if _, err := c.Put(put(t, table, key, timestamp, cells)); err != nil {
		t.Fatal(err)
	}
}

func batch(t testing.TB, c gohbase.Client, puts []*hrpc.Mutate) {
	t.Helper()
	calls := make([]hrpc.Call, len(puts))
	for i, p := range puts {
		calls[i] = p
	}
	results, ok := c.SendBatch(deadline(t), calls)
	if ok {
		return
	}
	for i, r := range results {
		if r.Error != nil {
			t.Fatalf("call %d: %v", i, r.Error)
		}
	}
}

// get reads a row as "qualifier@timestamp=value" in the server's order.
func get(t testing.TB, c gohbase.Client, table, key string, options ...func(hrpc.Call) error) []string {
	t.Helper()
	g, err := hrpc.NewGetStr(deadline(t), table, key, options...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Get(g)
	if err != nil {
		t.Fatal(err)
	}
	return show(r.Cells)
}

func show(cells []*hrpc.Cell) []string {
	var out []string
	for _, c := range cells {
		out = append(out, fmt.Sprintf("%s@%d=%s", c.Qualifier, *c.Timestamp, c.Value))
	}
	return out
}

// scan reads rows as "row: cells".
func scan(t testing.TB, c gohbase.Client, table, from, to string, options ...func(hrpc.Call) error) []string {
	t.Helper()
	s, err := hrpc.NewScanRangeStr(deadline(t), table, from, to, options...)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	scanner := c.Scan(s)
	for {
		r, err := scanner.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s: %v", r.Cells[0].Row, show(r.Cells)))
	}
}
