package patient

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
)

// failing answers its errors before it accepts.
type failing struct {
	net.Listener
	errs []error
}

func (f *failing) Accept() (net.Conn, error) {
	if len(f.errs) > 0 {
		err := f.errs[0]
		f.errs = f.errs[1:]
		return nil, err
	}
	return f.Listener.Accept()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestAcceptOutlivesFailures(t *testing.T) {
	tooMany := &net.OpError{Op: "accept", Err: syscall.EMFILE}
	var log bytes.Buffer
	l := Wrap(&failing{listen(t), []error{tooMany, tooMany, errors.New("odd")}}, slog.New(slog.NewTextHandler(&log, nil)))
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	accepted.Close()
	if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), "too many open files") {
		t.Errorf("log of three failures in a row:\n%s", log.String())
	}
}

func TestCloseEndsThePause(t *testing.T) {
	always := make([]error, 1000)
	for i := range always {
		always[i] = syscall.EMFILE
	}
	l := Wrap(&failing{listen(t), always}, slog.New(slog.DiscardHandler))
	ended := make(chan error)
	go func() {
		_, err := l.Accept()
		ended <- err
	}()
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept ended with %v", err)
	}
}
