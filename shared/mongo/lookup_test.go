package mongo

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"feedstream/shared/reference"
)

// nameServer makes the process ask a name server on loopback, which is silent until answering is set. Then it says
// that every name is served by db.feed.test:1, and that every host is 127.0.0.1.
func nameServer(t *testing.T) (answering *atomic.Bool) {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answering = &atomic.Bool{}
	go func() {
		query := make([]byte, 512)
		for {
			n, from, err := socket.ReadFrom(query)
			if err != nil {
				return
			}
			if answering.Load() {
				_, _ = socket.WriteTo(dnsAnswer(query[:n]), from)
			}
		}
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", socket.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		socket.Close()
	})
	return answering
}

// dnsAnswer repeats the question and adds one record when it asks for SRV or A.
func dnsAnswer(query []byte) []byte {
	const headerSize, typeA, typeSRV = 12, 1, 33
	end := headerSize + bytes.IndexByte(query[headerSize:], 0) + 5 // the name's end, type and class
	data := map[uint16]string{
		typeA:   "\x7f\x00\x00\x01",
		typeSRV: "\x00\x00\x00\x00\x00\x01\x02db\x04feed\x04test\x00",
	}[binary.BigEndian.Uint16(query[end-4:])]
	count := byte(min(len(data), 1))
	answer := append(query[:2:2], 0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0)
	answer = append(answer, query[headerSize:end]...)
	if data == "" {
		return answer
	}
	answer = append(answer, 0xc0, headerSize)
	answer = append(answer, query[end-4:end]...)
	answer = append(answer, 0, 0, 0, 60, 0, byte(len(data)))
	return append(answer, data...)
}

// A source of a mongodb+srv URI is made while DNS is silent; each use asks again, and goes on once it answers.
func TestSilentDNS(t *testing.T) {
	answering := nameServer(t)
	source, err := New(Config{
		URI:      "mongodb+srv://reader:secret@cluster.feed.test/?tls=false&serverSelectionTimeoutMS=100",
		Database: "reference", Collection: "stock", Timeout: 300 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	read := func() string {
		t.Helper()
		err := source.Read(t.Context(), func(reference.Document) error { return nil })
		if err == nil {
			t.Fatal("read from nowhere")
		}
		if text := err.Error(); strings.Contains(text, "secret") || strings.Contains(text, "not valid") {
			t.Errorf("error shows the password or blames the URI: %s", text)
		}
		return err.Error()
	}
	for range 2 {
		if text := read(); !strings.Contains(text, "mongodb cluster.feed.test: read reference.stock: unreachable") ||
			!strings.Contains(text, "lookup _mongodb._tcp.cluster.feed.test") {
			t.Errorf("DNS is silent: %s", text)
		}
	}
	answering.Store(true)
	if text := read(); !strings.Contains(text, "db.feed.test:1") || !strings.Contains(text, "connection refused") {
		t.Errorf("DNS answers: %s", text)
	}
}
