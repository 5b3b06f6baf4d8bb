package hbase

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	embedded "feedstream/local/services/hbase"
)

// A wrong place is named by its cause, long before the time of a call runs out.
func TestLook(t *testing.T) {
	s, err := embedded.Start(embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		cfg  Config
		want string
	}{
		"no such root":    {Config{ZooKeeper: s.ZooKeeperAddr(), Root: "/hbase-unsecure"}, "no HBase below /hbase-unsecure in this ZooKeeper"},
		"nothing listens": {Config{ZooKeeper: closed.Addr().String()}, "connection refused"},
		"no such host":    {Config{ZooKeeper: "no.such.host.invalid:2181"}, "no.such.host.invalid"},
		"no ZooKeeper":    {Config{ZooKeeper: silent(t)}, "is this a ZooKeeper?"},
		"a web server":    {Config{ZooKeeper: answering(t, []byte("HTTP/1.1 400 Bad Request\r\n\r\n"))}, "it answers as no ZooKeeper does"},
		"hangs up":        {Config{ZooKeeper: answering(t, nil)}, "it is no ZooKeeper, or one without a leader"},
		"an empty node":   {Config{ZooKeeper: answering(t, session, framed(make([]byte, 16)))}, "which holds no server's name"},
		"no permission":   {Config{ZooKeeper: answering(t, session, denied)}, "refuses to show /hbase/meta-region-server with code -102"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := New(test.cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			began := time.Now()
			_, err = c.Catalog(t.Context(), "A.B", "A.C")
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.cfg.ZooKeeper) {
				t.Errorf("error = %v, want %q", err, test.want)
			}
			if took := time.Since(began); took > lookTimeout+2*time.Second {
				t.Errorf("said after %s", took)
			}
		})
	}
}

// The frames of a ZooKeeper: a session of six seconds, and an answer with the code of a denied access.
var (
	session = framed(append([]byte{0, 0, 0, 0, 0, 0, 0x17, 0x70}, make([]byte, 28)...))
	denied  = framed(append(make([]byte, 12), 0xff, 0xff, 0xff, 0x9a))
)

func framed(frame []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...)
}

// answering listens, answers what comes on a connection by these bytes, one after the other, and hangs up.
func answering(t *testing.T, answers ...[]byte) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			for _, answer := range answers {
				var length [4]byte
				_, _ = io.ReadFull(conn, length[:])
				_, _ = io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(length[:])))
				_, _ = conn.Write(answer)
			}
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

// One server of several is enough.
func TestLookAtAQuorum(t *testing.T) {
	s, err := embedded.Start(embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c, err := New(Config{ZooKeeper: answering(t, nil) + "," + s.ZooKeeperAddr()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.look(t.Context()); err != nil {
		t.Error(err)
	}
}
