package hbase

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tsuna/gohbase"
	"github.com/tsuna/gohbase/hrpc"

	embedded "feedstream/local/services/hbase"
	"feedstream/shared/phoenix"
	"feedstream/shared/testkit"
)

// losing is a client of the library that loses the calls of a scan behind the first rows, as gohbase
// does with what it queues for a connection in the moment at which it ends.
type losing struct {
	gohbase.Client
	after int
}

func (l losing) Scan(s *hrpc.Scan) hrpc.Scanner {
	return &losingScanner{Scanner: l.Client.Scan(s), ctx: s.Context(), left: l.after}
}

type losingScanner struct {
	hrpc.Scanner
	ctx  context.Context
	left int
}

func (l *losingScanner) Next() (*hrpc.Result, error) {
	if l.left == 0 {
		<-l.ctx.Done()
		return nil, l.ctx.Err()
	}
	l.left--
	return l.Scanner.Next()
}

// TestScanSurvivesALostCall: a new client goes on behind the last row.
func TestScanSurvivesALostCall(t *testing.T) {
	server := testkit.Must(embedded.Start(embedded.Options{ZooKeeperAddr: "127.0.0.1:0", Addr: "127.0.0.1:0", Dir: t.TempDir()}))(t)
	t.Cleanup(func() { _ = server.Close() })
	const rows = 10
	for _, after := range []int{0, 4, rows} {
		t.Run(fmt.Sprintf("after %d rows", after), func(t *testing.T) {
			t.Parallel() // each waits until the call counts as lost
			c := testkit.Must(New(Config{ZooKeeper: server.ZooKeeperAddr(), ReadTimeout: 100 * time.Millisecond}))(t)
			t.Cleanup(func() { _ = c.Close() })
			if err := c.WriteRows(t.Context(), layout.Table, layout.Index, testRows(rows)); err != nil {
				t.Fatal(err)
			}
			c.hbase = losing{Client: c.hbase, after: after}
			last, found := "", 0
			for row, err := range c.Scan(t.Context(), layout.Table, phoenix.Range{}) {
				if err != nil {
					t.Fatal(err)
				}
				if string(row.Key) <= last {
					t.Errorf("row %q comes after %q", row.Key, last)
				}
				last = string(row.Key)
				found++
			}
			if found != rows {
				t.Errorf("%d rows, want %d", found, rows)
			}
			if _, same := c.current().(losing); same {
				t.Error("the client that lost its calls is still in use")
			}
		})
	}
}
