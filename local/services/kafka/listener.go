package kafka

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Pauses after a connection could not be accepted, as in net/http.
const (
	leastPause = 5 * time.Millisecond
	mostPause  = time.Second
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

// serve accepts clients until Close. An error, such as no descriptor being left, passes: it waits and tries again.
func (l *listener) serve(rules rules, log *slog.Logger) {
	said := newComplaints(log)
	pause := leastPause
	for {
		conn, err := l.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			log.Warn("the embedded Kafka cannot accept a connection and tries again", "error", err, "after", pause)
			if !l.wait(pause) {
				return
			}
			pause = min(2*pause, mostPause)
			continue
		}
		pause = leastPause
		select {
		case l.accepted <- guardConn(conn, rules, said):
		case <-l.closed:
			_ = conn.Close() // nobody will speak to it
			return
		}
	}
}

// wait returns false when the listener closes before the time is over.
func (l *listener) wait(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-l.closed:
		return false
	}
}
