package hbase

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strings"
	"sync"

	"feedstream/local/services/hbase/internal/exception"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// The wire: a preamble of 6 bytes and a length-prefixed ConnectionHeader, neither answered; then frames both ways:
//
//	4 bytes length; delimited RequestHeader or ResponseHeader; delimited message; cell block

const (
	maxFrame       = 256 << 20 // HBase's hbase.ipc.max.request.size
	maxHeader      = 64 << 10
	simpleAuth     = 0x50
	keyValueCodec  = "org.apache.hadoop.hbase.codec.KeyValueCodec"
	fatalCallID    = math.MaxUint32 // HBase's -1: the answer concerns the connection
	callsInFlight  = 16             // per connection; further ones wait in the socket
	connReadBuffer = 64 << 10
)

var errBadFrame = errors.New("frame is damaged")

// request is one decoded frame of a client.
type request struct {
	id     uint32
	method string
	param  []byte // the message, still encoded
	cells  []byte // the cell block
}

// response is what a call gives back: a message, and the cells that belong to its results.
type response struct {
	message proto.Message
	cells   []byte
	drop    bool // do not answer, break the connection
}

// rpcConn is one connection of a client.
type rpcConn struct {
	net.Conn
	reader  *bufio.Reader
	service string
	codec   error // why calls cannot be served, nil when they can

	writing sync.Mutex
}

// handshake reads preamble and connection header.
func (c *rpcConn) handshake() error {
	var preamble [6]byte
	if _, err := io.ReadFull(c.reader, preamble[:]); err != nil {
		return err
	}
	if string(preamble[:4]) != "HBas" || preamble[4] != 0 {
		return exception.New(exception.WrongVersion, "preamble % x is not HBase RPC version 0", preamble)
	}
	if preamble[5] != simpleAuth {
		return exception.New(exception.BadAuth, exception.UnsupportedPrefix+"authentication method %#x; use SIMPLE (0x50)", preamble[5])
	}
	b, err := c.readFrame(maxHeader)
	if err != nil {
		return err
	}
	var header pb.ConnectionHeader
	if err := proto.Unmarshal(b, &header); err != nil {
		return exception.New(exception.WrongVersion, "connection header: %v", err)
	}
	c.service = header.GetServiceName()
	if codec := header.GetCellBlockCodecClass(); codec != "" && codec != keyValueCodec {
		c.codec = exception.New(exception.BadCodec, exception.UnsupportedPrefix+"cell codec %s; use %s", codec, keyValueCodec)
	} else if codec == "" {
		c.codec = exception.Unsupported("a connection without a cell codec; name %s", keyValueCodec)
	}
	if compressor := header.GetCellBlockCompressorClass(); compressor != "" {
		c.codec = exception.Unsupported("cell block compression %s; switch it off", compressor)
	}
	return nil
}

func (c *rpcConn) readFrame(limit uint32) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(c.reader, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > limit {
		return nil, exception.New(exception.RequestTooBig, "a request of %d bytes is over the limit of %d", n, limit)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(c.reader, b)
	return b, err
}

// next reads the next request.
func (c *rpcConn) next() (*request, error) {
	b, err := c.readFrame(maxFrame)
	if err != nil {
		return nil, err
	}
	return decodeRequest(b)
}

func decodeRequest(b []byte) (*request, error) {
	text, n := protowire.ConsumeBytes(b)
	if n < 0 {
		return nil, errBadFrame
	}
	b = b[n:]
	var header pb.RequestHeader
	if err := proto.Unmarshal(text, &header); err != nil {
		return nil, fmt.Errorf("request header: %w", err)
	}
	r := &request{id: header.GetCallId(), method: header.GetMethodName()}
	if header.GetRequestParam() {
		if r.param, n = protowire.ConsumeBytes(b); n < 0 {
			return nil, errBadFrame
		}
		b = b[n:]
	}
	if size := header.GetCellBlockMeta().GetLength(); uint64(size) > uint64(len(b)) {
		return nil, errBadFrame
	} else if size > 0 {
		r.cells = b[:size:size]
	}
	return r, nil
}

// answer writes the outcome of a call. Calls are answered in the order in which they end.
func (c *rpcConn) answer(id uint32, r response, failure error) error {
	header := &pb.ResponseHeader{CallId: &id}
	var body []byte
	if failure != nil {
		header.Exception = exception.Of(failure).Header()
	} else {
		if len(r.cells) > 0 {
			header.CellBlockMeta = &pb.CellBlockMeta{Length: proto.Uint32(uint32(len(r.cells)))}
		}
		var err error
		if body, err = proto.Marshal(r.message); err != nil {
			return fmt.Errorf("encode answer: %w", err)
		}
	}
	text, err := proto.Marshal(header)
	if err != nil {
		return fmt.Errorf("encode answer header: %w", err)
	}
	head := make([]byte, 4, 4+2*binary.MaxVarintLen32+len(text)+len(body))
	head = protowire.AppendBytes(head, text)
	cells := r.cells
	if failure == nil {
		head = protowire.AppendBytes(head, body)
	} else {
		cells = nil
	}
	binary.BigEndian.PutUint32(head, uint32(len(head)-4+len(cells)))
	c.writing.Lock()
	defer c.writing.Unlock()
	buffers := net.Buffers{head, cells}
	_, err = buffers.WriteTo(c.Conn)
	return err
}

// serveRPC runs one client connection to its end.
func (s *Server) serveRPC(conn net.Conn) {
	c := &rpcConn{Conn: conn, reader: bufio.NewReaderSize(conn, connReadBuffer)}
	if err := c.handshake(); err != nil {
		s.refuse(c, err)
		return
	}
	var calls sync.WaitGroup
	defer calls.Wait()
	slots := make(chan struct{}, callsInFlight)
	for {
		r, err := c.next()
		if err != nil {
			s.refuse(c, err)
			return
		}
		slots <- struct{}{}
		calls.Go(func() {
			defer func() { <-slots }()
			s.serveCall(c, r)
		})
	}
}

// refuse tells a client why its connection ends; a client that hung up is no news.
func (s *Server) refuse(c *rpcConn, err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrUnexpectedEOF) {
		return
	}
	s.logger.Warn("hbase: connection ends", "client", c.RemoteAddr().String(), "error", err)
	var e *exception.Error
	if errors.As(err, &e) {
		_ = c.answer(fatalCallID, response{}, err) // the connection ends either way
	}
}

func (s *Server) serveCall(c *rpcConn, r *request) {
	out, err := s.call(c, r)
	if out.drop {
		_ = c.Close() // breaking the connection is the point
		return
	}
	if err := c.answer(r.id, out, err); err != nil {
		_ = c.Close() // the client reconnects and repeats
	}
}

// call runs one request.
func (s *Server) call(c *rpcConn, r *request) (response, error) {
	if c.codec != nil {
		return response{}, c.codec
	}
	switch c.service {
	case "ClientService":
		return s.clientService(r)
	case "MasterService":
		return s.masterService(r)
	}
	return response{}, exception.New(exception.UnknownService, "%s; the embedded HBase serves ClientService and MasterService", c.service)
}

// decode reads the message of a request.
func (r *request) decode(m proto.Message) error {
	if err := proto.Unmarshal(r.param, m); err != nil {
		return exception.New(exception.DoNotRetryIO, "%s request cannot be read: %s", r.method, strings.TrimSpace(err.Error()))
	}
	return nil
}
