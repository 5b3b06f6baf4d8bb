package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/store"
)

func FuzzRequest(f *testing.F) {
	call, method := uint32(7), "Get"
	header, err := proto.Marshal(&pb.RequestHeader{CallId: &call, MethodName: &method, RequestParam: proto.Bool(true),
		CellBlockMeta: &pb.CellBlockMeta{Length: proto.Uint32(5)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(protowire.AppendBytes(protowire.AppendBytes(nil, header), []byte("message")), "cells"...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRequest(b)
		if err == nil && len(r.Param)+len(r.Cells) > len(b) {
			t.Errorf("decoded %d bytes out of %d", len(r.Param)+len(r.Cells), len(b))
		}
	})
}

func FuzzCellBlock(f *testing.F) {
	c := store.Cell{Family: []byte("0"), Qualifier: []byte("q"), Timestamp: 1, Kind: store.KindPut, Value: []byte("v")}
	f.Add(AppendBlock(nil, []byte("row"), &c))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var c store.Cell
		row, rest, err := CutBlock(&c, b)
		if err != nil {
			return
		}
		again := append(AppendBlock(nil, row, &c), rest...)
		if !bytes.Equal(again, b) {
			t.Errorf("%x decodes and encodes to %x", b, again)
		}
		if skipped, err := SkipBlocks(b, 1); err != nil || !bytes.Equal(skipped, rest) {
			t.Errorf("skipping %x: %x, %v", b, skipped, err)
		}
	})
}

// TestLengthAloneClaimsNoMemory reads frames that end early: the buffer is as long as what came, roughly.
func TestLengthAloneClaimsNoMemory(t *testing.T) {
	const size = 3<<20 + 7
	whole := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
	got, err := readGrowing(bytes.NewReader(whole), nil, size)
	if err != nil || !bytes.Equal(got, whole) {
		t.Errorf("%d bytes, %v; want the %d that were sent", len(got), err, size)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := readGrowing(bytes.NewReader(whole[:100]), nil, maxFrame); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a frame that ends early: %v", err)
	}
	runtime.ReadMemStats(&after)
	if claimed := after.TotalAlloc - before.TotalAlloc; claimed > 2*claimAtOnce {
		t.Errorf("%d bytes claimed for 100", claimed)
	}
}

// TestSlowClientsAreLetGo: neither one that stops within its introduction or a request nor one that does not read
// holds its connection for ever.
func TestSlowClientsAreLetGo(t *testing.T) {
	hello := "HBas\x00\x50\x00\x00\x00\x00"
	for name, sent := range map[string]string{"silent": "", "introduction": hello[:5], "header": hello[:8] + "\x00\x09",
		"request": hello + "\x00\x00\x00\x09abc"} {
		c, client := connected(t)
		if _, err := client.Write([]byte(sent)); err != nil {
			t.Fatal(err)
		}
		err := c.handshake()
		if err == nil {
			_, err = c.next()
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, _ := connected(t)
	for range 1000 { // until the system's buffers are full
		if err := c.answer(1, Response{Message: &pb.GetResponse{}, Cells: make([]byte, 1<<20)}, nil); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
			return
		}
	}
	t.Error("a thousand answers that nobody reads were taken")
}

// connected is the server's side of a connection with little patience, and the client's.
func connected(t *testing.T) (*conn, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return &conn{Conn: server, reader: bufio.NewReader(server), patience: 20 * time.Millisecond}, client
}
