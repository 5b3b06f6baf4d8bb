// Package patient holds a listener that outlives failures of accepting. A server whose accept loop ends at the first
// one, such as "too many open files", has closed its port for ever; one that goes on at once spins until it has passed.
package patient

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// The pauses after a failed accept, as in net/http.
const (
	shortestPause = 5 * time.Millisecond
	longestPause  = time.Second
)

// Listener retries a failed Accept after a pause, twice as long each time.
type Listener struct {
	net.Listener
	log    *slog.Logger
	once   sync.Once
	closed chan struct{}
	err    error
}

// Wrap makes inner patient. The first failure in a row is logged.
func Wrap(inner net.Listener, log *slog.Logger) *Listener {
	return &Listener{Listener: inner, log: log, closed: make(chan struct{})}
}

// Accept waits for a connection. Its only error is net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		connection, err := l.Listener.Accept()
		if err == nil || errors.Is(err, net.ErrClosed) {
			return connection, err
		}
		if pause == shortestPause {
			l.log.Warn("accept a connection: trying again until it succeeds", "address", l.Addr().String(), "error", err)
		}
		select {
		case <-time.After(pause):
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
}

// Close ends Accept, also one that pauses. A second call does nothing.
func (l *Listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.err = l.Listener.Close()
	})
	return l.err
}
