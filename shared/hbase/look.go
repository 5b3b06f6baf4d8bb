package hbase

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// lookTimeout is how long ZooKeeper may take to answer the look of a client that has reached nothing yet.
const lookTimeout = 3 * time.Second

var (
	errNoHBase    = errors.New("there is no HBase")
	errForeign    = errors.New("it answers as no ZooKeeper does")
	errNoTime     = fmt.Errorf("no answer within %s; is this a ZooKeeper?", lookTimeout)
	errNoSession  = errors.New("it closes the connection: it is no ZooKeeper, or one without a leader")
	maxFrame      = uint32(1 << 20) // ZooKeeper's own limit
	protobufMagic = []byte("PBUF")
)

// look asks ZooKeeper for what the client library asks it for first. The library only repeats until time runs
// out and then knows no cause; here a wrong address or root is named at once. It speaks the protocol itself, for
// the library's client takes any four bytes of a foreign server for a length to allocate, keeps causes to
// itself, and panics on a node without content.
func (c *Client) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, lookTimeout, errNoTime)
	defer cancel()
	servers := strings.Split(c.cfg.ZooKeeper, ",")
	answers := make(chan error, len(servers))
	for _, server := range servers {
		go func() { answers <- c.ask(ctx, server) }()
	}
	var problems []error
	for range servers {
		err := <-answers
		if err == nil {
			return nil
		}
		problems = append(problems, err)
		if errors.Is(err, errNoHBase) {
			problems = []error{err}
			break
		}
	}
	return fmt.Errorf("hbase at %s: ask ZooKeeper where HBase is: %w: %w",
		c.cfg.ZooKeeper, ErrUnavailable, errors.Join(problems...))
}

// ask looks at one server.
func (c *Client) ask(ctx context.Context, server string) error {
	dial := c.cfg.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, "tcp", server)
	if err == nil {
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
		err = c.findMeta(conn)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		err = errNoSession
	}
	return fmt.Errorf("%s: %w", server, err)
}

// findMeta opens a session, reads the node that says where HBase's table of regions is, and ends the session.
func (c *Client) findMeta(conn io.ReadWriter) error {
	const getData, closeSession, noNode = 4, -11, -101
	hello := make([]byte, 44) // version 0, nothing seen, a new session, an empty password of 16 bytes
	binary.BigEndian.PutUint32(hello[12:], uint32(2*lookTimeout.Milliseconds()))
	hello[27] = 16
	if answer, err := exchange(conn, hello); err != nil {
		return err
	} else if len(answer) < 36 || int32(binary.BigEndian.Uint32(answer[4:])) <= 0 {
		return errForeign
	}
	node := strings.TrimSuffix(c.cfg.Root, "/") + "/meta-region-server"
	answer, err := exchange(conn, append(request(1, getData, node), 0)) // without a watch
	if err != nil {
		return err
	}
	if len(answer) < 16 {
		return errForeign
	}
	if code := int32(binary.BigEndian.Uint32(answer[12:])); code == noNode {
		return fmt.Errorf("%w below %s in this ZooKeeper: start it, or correct HBASE_ZOOKEEPER_ROOT", errNoHBase, c.cfg.Root)
	} else if code != 0 {
		return fmt.Errorf("it refuses to show %s with code %d", node, code)
	}
	if !bytes.Contains(answer[16:], protobufMagic) {
		return fmt.Errorf("%w behind %s, which holds no server's name: correct HBASE_ZOOKEEPER_ROOT", errNoHBase, node)
	}
	_, _ = exchange(conn, request(2, closeSession, "")) // it would end by itself a little later
	return nil
}

// request is the head of a request and, unless it is empty, a path.
func request(id, operation int32, path string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(id))
	b = binary.BigEndian.AppendUint32(b, uint32(operation))
	if path == "" {
		return b
	}
	return append(binary.BigEndian.AppendUint32(b, uint32(len(path))), path...)
}

// exchange sends one frame and reads the one that answers it.
func exchange(conn io.ReadWriter, frame []byte) ([]byte, error) {
	if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...)); err != nil {
		return nil, err
	}
	var length [4]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > maxFrame {
		return nil, errForeign
	}
	answer := make([]byte, n)
	_, err := io.ReadFull(conn, answer)
	return answer, err
}
