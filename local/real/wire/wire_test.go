package wire_test

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"feedstream/local/real/wire"
)

// echo is a server that says what it hears, and a wire to it: where the wire begins.
func echo(t *testing.T) (*wire.Wire, string) {
	t.Helper()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := free.Addr().String()
	_ = free.Close()
	w := wire.New()
	t.Cleanup(w.Close)
	if err := w.Lead(at, server.Addr().String()); err != nil {
		t.Fatal(err)
	}
	return w, at
}

func dial(t *testing.T, at string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func say(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("heard %q, %v, want %q", got, err, want)
	}
}

// Refused: what is connected is reset, nobody connects, and afterwards it is as before.
func TestRefuse(t *testing.T) {
	w, at := echo(t)
	conn := dial(t, at)
	say(t, conn, "one")
	hear(t, conn, "one")
	w.Refuse()
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a connection of before ends with %v, want a reset", err)
	}
	if other, err := net.Dial("tcp", at); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialled %v, %v, want a refusal", other, err)
	}
	if err := w.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := dial(t, at)
	say(t, again, "two")
	hear(t, again, "two")
}

// Silent: neither an old connection nor a new one hears anything, and after it each hears all that it asked for.
func TestSilence(t *testing.T) {
	w, at := echo(t)
	before := dial(t, at)
	say(t, before, "one")
	hear(t, before, "one")
	w.Silence()
	during := dial(t, at)
	for _, conn := range []net.Conn{before, during} {
		say(t, conn, "two")
		if err := conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read %d bytes, %v, in the silence", n, err)
		}
		if err := conn.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, conn := range []net.Conn{before, during} {
		hear(t, conn, "two")
		say(t, conn, "three")
		hear(t, conn, "three")
	}
}

// A side that has said everything still hears the other out.
func TestHalfClose(t *testing.T) {
	_, at := echo(t)
	conn := dial(t, at)
	say(t, conn, "all of it")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "all of it" {
		t.Errorf("heard %q, %v", got, err)
	}
}

// Without a server a connection is reset. A port that is taken leads nowhere.
func TestNoServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := listener.Addr().String()
	_ = listener.Close()
	w, _ := echo(t)
	if listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	at := listener.Addr().String()
	if err := w.Lead(at, gone); err == nil {
		t.Error("a port that is taken was listened on")
	}
	_ = listener.Close()
	if err := w.Lead(at, gone); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", at)
	if err == nil { // else the reset was faster
		defer conn.Close()
		_, err = conn.Read(make([]byte, 1))
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a connection to nothing ends with %v, want a reset", err)
	}
}
