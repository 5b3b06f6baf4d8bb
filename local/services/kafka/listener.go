package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
)

// listener gives kfake its connections: those of clients, guarded, once serve runs, and before that those that the
// server itself dials to set things up. kfake would stop at the first error of Accept, so it never sees one.
type listener struct {
	net.Listener
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func newListener(clients net.Listener) *listener {
	return &listener{Listener: clients, accepted: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept waits for a connection of either kind.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accepted:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close stops accepting.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// dial opens a connection within the process, which nothing guards.
func (l *listener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.accepted <- theirs:
		return ours, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve accepts clients until Close, as many at a time as the limits say.
func (l *listener) serve(rules rules, limits limits, log *slog.Logger) {
	said := newComplaints(log)
	var open atomic.Int64
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return // it is closed: any other error passes inside of it
		}
		if open.Add(1) > int64(limits.connections) {
			open.Add(-1)
			said.closed(conn.RemoteAddr(), fmt.Errorf("there are %d, the most that this broker holds", limits.connections))
			_ = conn.Close() // it has been told of nothing
			continue
		}
		select {
		case l.accepted <- guardConn(conn, rules, said, limits, func() { open.Add(-1) }):
		case <-l.closed:
			_ = conn.Close() // nobody will speak to it
			return
		}
	}
}
