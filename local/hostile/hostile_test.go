// Package hostile_test has each port of the local stack hear what no client says: noise, lengths and counts of a lie,
// floods, connections that hang. After each of them the port serves a good client, what was sent is answered or
// closed, and the process has taken no memory to speak of.
package hostile_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"feedstream/local/stack/stacktest"
)

func TestMain(m *testing.M) { stacktest.Main(m) }

// mostMemory is what all inputs together may have the process take from the system. Some of them ask for gigabytes.
const mostMemory = 768 << 20

// patience is what an answer, or the end of a connection, may take on a busy machine; what used to hold a core took
// longer.
const patience = 30 * time.Second

// port is where a server listens.
type port struct {
	name, addr string
	own        []input // besides those that every port hears
	// good has a client of the protocol do something, on a connection of its own where it can.
	good func(context.Context) error
}

// input is what is sent to a port, each time on a connection of its own.
type input struct {
	name  string
	said  []byte
	hangs bool // it says no more and stays
}

func text(name, said string) input { return input{name: name, said: []byte(said)} }

// toAll is what every port hears.
func toAll() []input {
	noise := make([]byte, 64<<10)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(noise) // never fails
	inputs := []input{
		text("nothing", ""),
		{name: "silence", hangs: true},
		{name: "noise", said: noise},
		{name: "a megabyte of zeros", said: make([]byte, 1<<20)},
		{name: "a megabyte of ones", said: bytes.Repeat([]byte{0xff}, 1<<20)},
		text("a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
		text("a request of HTTP", "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
		text("a flood of headers", "GET / HTTP/1.1\r\nHost: localhost\r\n"+strings.Repeat("X-A: 0123456789abcdef\r\n", 100_000)),
		text("a path of a megabyte", "GET /"+strings.Repeat("a/", 1<<19)+" HTTP/1.1\r\nHost: localhost\r\n\r\n"),
		{name: "half a request", said: []byte("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx"), hangs: true},
	}
	for _, length := range []uint32{1 << 20, 100 << 20, 256 << 20, 1<<31 - 1, 1<<32 - 1} {
		inputs = append(inputs,
			input{name: fmt.Sprintf("a length of %d", length), said: binary.BigEndian.AppendUint32(nil, length), hangs: true},
			input{name: fmt.Sprintf("a length of %d, least byte first", length), said: binary.LittleEndian.AppendUint32(nil, length), hangs: true})
	}
	for i := range 20 {
		part := noise[i*1000:]
		inputs = append(inputs, input{name: fmt.Sprint("noise behind a length, ", i),
			said: append(binary.BigEndian.AppendUint32(nil, 900), part[:900]...)})
	}
	return inputs
}

// endures has ports hear everything.
func endures(t *testing.T, ports []port) {
	t.Helper()
	limit := memory() + mostMemory
	for _, p := range ports {
		if err := p.served(t.Context()); err != nil {
			t.Fatalf("%s does not serve a good client to begin with: %v", p.name, err)
		}
		for _, in := range append(toAll(), p.own...) {
			if err := p.hear(t, in); err != nil {
				t.Errorf("%s, %s: %v", p.name, in.name, err)
			}
			if err := p.served(t.Context()); err != nil {
				t.Errorf("%s, after %s, does not serve a good client: %v", p.name, in.name, err)
			}
			if now := memory(); now > limit {
				t.Fatalf("%s, %s: the process takes %d MB, the limit is %d MB", p.name, in.name, now>>20, limit>>20)
			}
		}
	}
	t.Logf("%d MB more than before were taken, %d MB are allowed", (memory()+mostMemory-limit)>>20, mostMemory>>20)
}

func (p port) served(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return p.good(ctx)
}

// hear sends an input and, unless that hangs, waits until the port has done with it.
func (p port) hear(t *testing.T, in input) error {
	t.Helper()
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		return err
	}
	if in.hangs {
		t.Cleanup(func() { conn.Close() })
		_, err := conn.Write(in.said)
		return err
	}
	defer conn.Close()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = conn.Write(in.said) // the port may close before it has heard all
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn)
	<-sent
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("neither an answer's end nor that of the connection within %s", patience)
	}
	return nil // how it ends is the port's
}

// memory is what the process has from the system. It never shrinks, so that no peak is missed.
func memory() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}
