package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/exception"
)

const (
	maxFrame       = 256 << 20 // HBase's hbase.ipc.max.request.size
	maxHeader      = 64 << 10
	simpleAuth     = 0x50
	callsInFlight  = 16 // per connection; further ones wait in the socket
	connReadBuffer = 64 << 10
	claimAtOnce    = 1 << 20
	// usualPatience is how long a client may take to introduce itself, to send the rest of a request, and to read an answer.
	usualPatience = time.Minute
)

// Call answers a request to one of the services of a server. It runs in many goroutines.
type Call func(service string, r *Request) (Response, error)

// conn is one connection of a client.
type conn struct {
	net.Conn
	reader  *bufio.Reader
	call    Call
	logger  *slog.Logger
	service string
	codec   error // why calls cannot be served, nil when they can

	patience time.Duration

	writing sync.Mutex
}

// handshake reads preamble and connection header.
func (c *conn) handshake() error {
	if err := c.SetReadDeadline(time.Now().Add(c.patience)); err != nil {
		return err
	}
	var preamble [6]byte
	if _, err := io.ReadFull(c.reader, preamble[:]); err != nil {
		return err
	}
	if string(preamble[:4]) != "HBas" || preamble[4] != 0 {
		return exception.New(exception.WrongVersion, "preamble % x is not HBase RPC version 0", preamble)
	}
	if preamble[5] != simpleAuth {
		return exception.New(exception.BadAuth,
			exception.UnsupportedPrefix+"authentication method %#x; use SIMPLE (0x50)", preamble[5])
	}
	b, err := c.readFrame(nil, maxHeader)
	if err != nil {
		return err
	}
	var header pb.ConnectionHeader
	if err := proto.Unmarshal(b, &header); err != nil {
		return exception.New(exception.WrongVersion, "connection header: %v", err)
	}
	c.service = header.GetServiceName()
	if codec := header.GetCellBlockCodecClass(); codec != "" && codec != KeyValueCodec {
		c.codec = exception.New(exception.BadCodec,
			exception.UnsupportedPrefix+"cell codec %s; use %s", codec, KeyValueCodec)
	} else if codec == "" {
		c.codec = exception.Unsupported("a connection without a cell codec; name %s", KeyValueCodec)
	}
	if compressor := header.GetCellBlockCompressorClass(); compressor != "" {
		c.codec = exception.Unsupported("%s %s; switch it off", compression, compressor)
	}
	return nil
}

const compression = "cell block compression"

// Unsupported are the ways to connect that handshake refuses, in words.
func Unsupported() []string {
	return []string{"authentication other than SIMPLE", "cell codecs other than " + KeyValueCodec, compression}
}

// readFrame reads a frame into room, or into a new buffer when it has too little.
func (c *conn) readFrame(room []byte, limit uint32) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(c.reader, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > limit {
		return nil, exception.New(exception.RequestTooBig,
			"a request of %d bytes is over the limit of %d", n, limit)
	}
	if err := c.SetReadDeadline(time.Now().Add(c.patience)); err != nil {
		return nil, err
	}
	b, err := readGrowing(c.reader, room, int(n))
	if err != nil {
		return nil, err
	}
	return b, c.SetReadDeadline(time.Time{}) // between requests it may be silent
}

// readGrowing reads n bytes into room, or into a buffer that grows with what arrives: a length alone claims no memory.
func readGrowing(r io.Reader, room []byte, n int) ([]byte, error) {
	b := room[:min(n, cap(room))]
	if len(b) < min(n, claimAtOnce) {
		b = make([]byte, min(n, claimAtOnce))
	}
	for at := 0; ; {
		if _, err := io.ReadFull(r, b[at:]); err != nil {
			return nil, err
		}
		if at = len(b); at == n {
			return b, nil
		}
		b = append(b, make([]byte, min(at, n-at))...)
	}
}

// frames are the buffers of requests that were answered.
var frames sync.Pool

// keptFrame is the largest buffer that is kept for another request.
const keptFrame = 4 << 20

// next reads the next request.
func (c *conn) next() (*Request, error) {
	var room []byte
	if kept, ok := frames.Get().(*[]byte); ok {
		room = *kept
	}
	b, err := c.readFrame(room, maxFrame)
	if err != nil {
		return nil, err
	}
	return decodeRequest(b)
}

// done gives the buffer of a request to another one; nobody may look into the request any more.
func (r *Request) done() {
	if cap(r.frame) <= keptFrame {
		frames.Put(&r.frame)
	}
}

// answer writes the outcome of a call. Calls are answered in the order in which they end.
func (c *conn) answer(id uint32, r Response, failure error) error {
	header := &pb.ResponseHeader{CallId: &id}
	var body []byte
	if failure != nil {
		header.Exception = exception.Of(failure).Header()
	} else {
		if len(r.Cells) > 0 {
			header.CellBlockMeta = &pb.CellBlockMeta{Length: proto.Uint32(uint32(len(r.Cells)))}
		}
		var err error
		if body, err = proto.Marshal(r.Message); err != nil {
			return fmt.Errorf("encode answer: %w", err)
		}
	}
	text, err := proto.Marshal(header)
	if err != nil {
		return fmt.Errorf("encode answer header: %w", err)
	}
	head := make([]byte, 4, 4+2*binary.MaxVarintLen32+len(text)+len(body))
	head = protowire.AppendBytes(head, text)
	cells := r.Cells
	if failure == nil {
		head = protowire.AppendBytes(head, body)
	} else {
		cells = nil
	}
	binary.BigEndian.PutUint32(head, uint32(len(head)-4+len(cells)))
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.SetWriteDeadline(time.Now().Add(c.patience)); err != nil {
		return err
	}
	buffers := net.Buffers{head, cells}
	_, err = buffers.WriteTo(c.Conn)
	return err
}

// Serve runs one client connection to its end.
func Serve(client net.Conn, logger *slog.Logger, call Call) {
	c := &conn{Conn: client, reader: bufio.NewReaderSize(client, connReadBuffer), call: call, logger: logger,
		patience: usualPatience}
	if err := c.handshake(); err != nil {
		c.refuse(err)
		return
	}
	var calls sync.WaitGroup
	defer calls.Wait()
	slots := make(chan struct{}, callsInFlight)
	for {
		r, err := c.next()
		if err != nil {
			c.refuse(err)
			return
		}
		slots <- struct{}{}
		calls.Go(func() {
			defer func() { <-slots }()
			c.serve(r)
		})
	}
}

// refuse tells a client why its connection ends; a client that hung up or fell silent is no news.
func (c *conn) refuse(err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	c.logger.Warn("hbase: connection ends", "client", c.RemoteAddr().String(), "error", err)
	var e *exception.Error
	if errors.As(err, &e) {
		_ = c.answer(FatalCallID, Response{}, err) // the connection ends either way
	}
}

// serve answers one request.
func (c *conn) serve(r *Request) {
	defer r.done()
	out, err := c.run(r)
	if out.Drop {
		_ = c.Close() // breaking the connection is the point
		return
	}
	if err := c.answer(r.id, out, err); err != nil {
		_ = c.Close() // the client reconnects and repeats
	}
}

func (c *conn) run(r *Request) (Response, error) {
	if c.codec != nil {
		return Response{}, c.codec
	}
	return c.call(c.service, r)
}
