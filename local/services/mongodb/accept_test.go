package mongodb

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
)

// failing is a listener that has no descriptor left for a while, and then is closed.
type failing struct {
	net.Listener
	errors int
}

func (f *failing) Accept() (net.Conn, error) {
	if f.errors == 0 {
		return nil, net.ErrClosed
	}
	f.errors--
	return nil, &net.OpError{Op: "accept", Err: errors.New("too many open files")}
}

// TestFailedAcceptsPause: an error costs a pause that grows, not a core and a flood of lines.
func TestFailedAcceptsPause(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := &Server{
		listener: &failing{errors: 3}, log: slog.New(slog.NewTextHandler(&log, nil)), stopping: make(chan struct{}),
	}
	s.accept()
	if said := log.String(); strings.Count(said, "\n") != 3 || !strings.Contains(said, "after=20ms") {
		t.Errorf("log %q, want three lines with growing pauses", said)
	}
}
