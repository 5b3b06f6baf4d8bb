package hbase

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	embedded "feedstream/local/services/hbase"
	"feedstream/shared/testkit"
)

// stuck is a connection to a server that no longer reads: a large write does not end before the connection does.
type stuck struct {
	net.Conn
	met    *atomic.Int64
	closed chan struct{}
	once   sync.Once
}

func (s *stuck) Write(b []byte) (int, error) {
	if len(b) < 4096 {
		return s.Conn.Write(b)
	}
	s.met.Add(1)
	<-s.closed
	return 0, net.ErrClosed
}

func (s *stuck) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.Conn.Close()
}

// A region server that stops reading holds neither the push that writes to it nor those after it.
func TestWritesToAServerThatDoesNotRead(t *testing.T) {
	server := testkit.Must(embedded.Start(embedded.Options{ZooKeeperAddr: "127.0.0.1:0", Addr: "127.0.0.1:0", Dir: t.TempDir()}))(t)
	t.Cleanup(func() { _ = server.Close() })
	var sticking atomic.Bool
	var met atomic.Int64
	c := testkit.Must(New(Config{ZooKeeper: server.ZooKeeperAddr(), ReadTimeout: 100 * time.Millisecond,
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err != nil || !sticking.Load() {
				return conn, err
			}
			return &stuck{Conn: conn, met: &met, closed: make(chan struct{})}, nil
		}}))(t)
	t.Cleanup(func() { _ = c.Close() })
	write := func() error { return c.WriteRows(t.Context(), layout.Table, layout.Index, testRows(1000)) }

	if err := write(); err != nil { // the regions are known from now on
		t.Fatal(err)
	}
	sticking.Store(true)
	c.replace(c.current()) // its connections are the sticking ones
	limited, cancel := context.WithTimeout(t.Context(), 3*lostAfter)
	defer cancel()
	first := make(chan error, 1)
	go func() { first <- c.WriteRows(limited, layout.Table, layout.Index, testRows(1000)) }()
	for met.Load() == 0 && limited.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if met.Load() == 0 {
		t.Fatal("no write met the connection that sticks")
	}
	sticking.Store(false)
	if err := <-first; err != nil {
		t.Errorf("the write that met it: %v, want it on a new connection", err)
	}
	if err := write(); err != nil {
		t.Errorf("the next write: %v", err)
	}
}
