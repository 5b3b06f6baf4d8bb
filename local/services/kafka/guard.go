package kafka

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/time/rate"
)

// keptBuffer is the largest buffer that a connection keeps between its requests.
const keptBuffer = 1 << 20

// guarded stands between a client and kfake, which trusts what it reads: kfake sees whole, well-formed requests of
// the kinds it serves, without the parts that a broker refuses, and its answers are completed to a broker's.
type guarded struct {
	net.Conn
	from   *bufio.Reader
	rules  rules
	log    *complaints
	limits limits
	ended  func() // called once, when the connection is closed

	frame bytes.Buffer // the request being handed on
	ready []byte       // what is left of it

	mu      sync.Mutex
	waiting []expected // requests without an answer yet, in the order of both
}

// expected is an answer that kfake owes.
type expected struct {
	correlation int32
	answer      kmsg.Response
	complete    func(kmsg.Response) // nil when the answer goes out as it is
}

// limits are what a client may hold of the broker.
type limits struct {
	connections int
	// idle is how long a connection may be silent: connections.max.idle.ms of a broker.
	idle time.Duration
	// transfer is how long a request may take to arrive, once begun, and an answer to be taken.
	transfer time.Duration
}

var usualLimits = limits{connections: 1000, idle: 10 * time.Minute, transfer: time.Minute}

func guardConn(conn net.Conn, rules rules, log *complaints, limits limits, ended func()) *guarded {
	return &guarded{Conn: conn, from: bufio.NewReader(conn), rules: rules, log: log, limits: limits,
		ended: sync.OnceFunc(ended)}
}

// Close may be called again.
func (g *guarded) Close() error {
	g.ended()
	return g.Conn.Close()
}

// Read hands on the requests. Whatever is none ends the connection with one line in the log.
func (g *guarded) Read(p []byte) (int, error) {
	if len(g.ready) == 0 {
		if err := g.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, g.ready)
	g.ready = g.ready[n:]
	return n, nil
}

func (g *guarded) next() error {
	if g.frame.Cap() > keptBuffer {
		g.frame = bytes.Buffer{}
	}
	err := g.readFrame()
	if errors.Is(err, io.EOF) { // between two requests: what ends this way is in order
		g.log.log.Debug("a client of the embedded Kafka is done", "client", g.RemoteAddr().String())
		return err
	}
	if err == nil {
		err = g.admit(g.frame.Bytes())
	}
	var network net.Error
	if err != nil && g.frame.Len() > 0 && !errors.Is(err, errCut) && !errors.As(err, &network) {
		g.log.closed(g.RemoteAddr(), err)
	}
	return err
}

// readFrame reads a request. A client may be silent before it, and not for long in the midst of it.
func (g *guarded) readFrame() error {
	for {
		if err := g.SetReadDeadline(time.Now().Add(g.limits.idle)); err != nil {
			return err
		}
		_, err := g.from.Peek(1)
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || !g.owes() {
			return err
		}
	}
	if err := g.SetReadDeadline(time.Now().Add(g.limits.transfer)); err != nil {
		return err
	}
	return readFrame(g.from, &g.frame)
}

// owes tells whether the client waits for an answer.
func (g *guarded) owes() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting) > 0
}

// admit applies the rules to a request.
func (g *guarded) admit(frame []byte) error {
	c, err := decode(frame[prefixSize:])
	if err != nil {
		return err
	}
	g.ready = frame
	want := expected{correlation: c.correlation, answer: c.request.ResponseKind()}
	if rule := g.rules[kmsg.Key(c.request.Key())]; rule != nil {
		var changed bool
		if want.complete, changed = rule(c.request); changed {
			g.ready = c.appendFrame(nil)
		}
	}
	if produce, ok := c.request.(*kmsg.ProduceRequest); ok && produce.Acks == 0 {
		if want.complete != nil {
			return errors.New("a batch was refused that its producer wants no answer to")
		}
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, want)
	return nil
}

// Write sends an answer, which kfake hands over whole.
func (g *guarded) Write(frame []byte) (int, error) {
	want, err := g.answered(frame)
	if err != nil {
		return 0, err
	}
	out := frame
	if want.complete != nil {
		if out, err = mended(frame, want.answer, want.complete); err != nil {
			return 0, err
		}
	}
	if err := g.SetWriteDeadline(time.Now().Add(g.limits.transfer)); err != nil {
		return 0, err
	}
	if _, err := g.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(frame), nil
}

func (g *guarded) answered(frame []byte) (expected, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 || len(frame) < prefixSize+4 {
		return expected{}, errors.New("an answer that nobody asked for")
	}
	want := g.waiting[0]
	g.waiting = g.waiting[1:]
	if got := int32(binary.BigEndian.Uint32(frame[prefixSize:])); got != want.correlation {
		return expected{}, fmt.Errorf("the answer is to request %d and %d is next", got, want.correlation)
	}
	return want, nil
}

// complaints are the lines about connections that were closed. A mistaken client comes again many times a second, so
// that after some lines most are only counted.
type complaints struct {
	log    *slog.Logger
	limit  *rate.Limiter
	unsaid atomic.Int64
}

func newComplaints(log *slog.Logger) *complaints {
	const atOnce, later = 20, 10 * time.Second
	return &complaints{log: log, limit: rate.NewLimiter(rate.Every(later), atOnce)}
}

func (c *complaints) closed(client net.Addr, reason error) {
	if !c.limit.Allow() {
		c.unsaid.Add(1)
		return
	}
	attributes := []any{"client", client.String(), "reason", reason}
	if n := c.unsaid.Swap(0); n > 0 {
		attributes = append(attributes, "more_before", n)
	}
	c.log.Warn("a connection to the embedded Kafka is closed", attributes...)
}
