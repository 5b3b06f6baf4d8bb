package mongodb

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"feedstream/local/services/mongodb/internal/wire"
)

// TestUnreadAnswersAreDropped: a client that asks and does not read loses its connection, not the server its memory.
func TestUnreadAnswersAreDropped(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	connection, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	s := &Server{patience: 20 * time.Millisecond}
	for range 1000 { // until the system's buffers are full
		if err := s.reply(connection, &wire.Message{}, make([]byte, 1<<20)); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
			return
		}
	}
	t.Error("a thousand answers that nobody reads were taken")
}
