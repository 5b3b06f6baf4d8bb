package mongodb_test

import (
	"encoding/binary"
	"io"
	"net"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"feedstream/local/services/mongodb"
)

func dial(t *testing.T, server *mongodb.Server) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return connection
}

// exchange sends an operation's content under a header and reads the answer's operation and content.
func exchange(t *testing.T, connection net.Conn, operation uint32, content []byte) (uint32, []byte) {
	t.Helper()
	message := binary.LittleEndian.AppendUint32(nil, uint32(16+len(content)))
	message = append(message, 9, 0, 0, 0, 0, 0, 0, 0)
	message = binary.LittleEndian.AppendUint32(message, operation)
	if _, err := connection.Write(append(message, content...)); err != nil {
		t.Fatal(err)
	}
	header := make([]byte, 16)
	if _, err := io.ReadFull(connection, header); err != nil {
		t.Fatalf("read answer: %v", err)
	}
	if to := binary.LittleEndian.Uint32(header[8:]); to != 9 {
		t.Errorf("answer is to request %d, want 9", to)
	}
	answer := make([]byte, binary.LittleEndian.Uint32(header)-16)
	if _, err := io.ReadFull(connection, answer); err != nil {
		t.Fatal(err)
	}
	return binary.LittleEndian.Uint32(header[12:]), answer
}

// TestLegacyHello speaks as drivers do before they know whom they talk to.
func TestLegacyHello(t *testing.T) {
	t.Parallel()
	connection := dial(t, start(t, t.TempDir()))
	command := must[[]byte](t)(bson.Marshal(d("isMaster", 1, "helloOk", true)))
	query := append([]byte{0, 0, 0, 0}, "admin.$cmd\x00\x00\x00\x00\x00\xff\xff\xff\xff"...)
	operation, answer := exchange(t, connection, 2004, append(query, command...))
	const opReply, fixedPart = 1, 20
	if operation != opReply {
		t.Fatalf("answer is operation %d", operation)
	}
	hello := bson.Raw(answer[fixedPart:])
	if !hello.Lookup("ismaster").Boolean() || !hello.Lookup("helloOk").Boolean() || hello.Lookup("ok").Double() != 1 {
		t.Errorf("hello: %s", hello)
	}
}

func TestBrokenMessageEndsItsConnectionOnly(t *testing.T) {
	t.Parallel()
	server := start(t, t.TempDir())
	healthy := connect(t, server)
	if err := healthy.Ping(ctx, nil); err != nil {
		t.Fatal(err)
	}
	connection := dial(t, server)
	if _, err := connection.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if n, err := connection.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes from a connection that should be closed", n)
	}
	if err := healthy.Ping(ctx, nil); err != nil {
		t.Fatal(err)
	}
}

func TestCommandsWithoutSense(t *testing.T) {
	t.Parallel()
	connection := dial(t, start(t, t.TempDir()))
	for _, test := range []struct {
		command bson.D
		code    int32
	}{
		{d(), 9},
		{d("find", 5, "$db", "x"), 73},
		{d("find", "stock"), 73},
		{d("find", "stock", "$db", "a b"), 73},
		{d("insert", "stock", "$db", "x"), 2},
		{d("getMore", "x", "collection", "stock", "$db", "x"), 14},
		{d("update", "stock", "$db", "x", "updates", bson.A{5}), 14},
	} {
		body := must[[]byte](t)(bson.Marshal(test.command))
		operation, answer := exchange(t, connection, 2013, append([]byte{0, 0, 0, 0, 0}, body...))
		reply := bson.Raw(answer[5:])
		if code, _ := reply.Lookup("code").Int32OK(); operation != 2013 || code != test.code {
			t.Errorf("%v: operation %d, answer %s; want code %d", test.command, operation, reply, test.code)
		}
	}
}
