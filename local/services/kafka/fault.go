package kafka

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"feedstream/local/services/fault"
)

// Call is a request as a fault hook sees it.
type Call struct {
	Name string // as Calls lists them: Kafka's name of the request in lower case, such as "produce" or "offsetcommit"
}

// Calls lists the names of the requests that a fault may concern.
func Calls() []string {
	var names []string
	for key := range int16(kmsg.MaxKey + 1) {
		if kmsg.RequestForKey(key) != nil {
			names = append(names, callName(key))
		}
	}
	return names
}

func callName(key int16) string { return strings.ToLower(kmsg.NameForKey(key)) }

// Fault installs hook, which is called from many goroutines, in place of the one before; nil removes it. Its fault's
// Err is Kafka's name of an error, such as "NOT_ENOUGH_REPLICAS", or the beginning of one; the answer has its code at
// every topic, partition and group. What concerns single partitions is for Cluster().Fault.
func (s *Server) Fault(hook func(Call) fault.Fault) {
	if hook == nil {
		s.faults.hook.Store(nil)
		return
	}
	s.faults.hook.Store(&hook)
}

// faults stand between the clients and kfake, which knows only errors and only before a request takes effect.
type faults struct {
	ctx    context.Context // ends when the server closes
	cancel context.CancelFunc
	hook   atomic.Pointer[func(Call) fault.Fault]

	// refuse has kfake refuse one request, until the function it returns is called.
	refuse func(kmsg.Request) (forget func())
}

func newFaults(cluster func() *kfake.Cluster) *faults {
	f := &faults{refuse: func(r kmsg.Request) func() {
		content := r.AppendTo(nil) // the request that kfake decodes is another one, with the same content
		same := func(other kmsg.Request) bool { return bytes.Equal(other.AppendTo(nil), content) }
		return cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Key(r.Key())}, When: same}).Remove
	}}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f
}

func (f *faults) of(key int16) fault.Fault {
	if hook := f.hook.Load(); hook != nil {
		return (*hook)(Call{Name: callName(key)})
	}
	return fault.Fault{}
}

// faultListener has every connection of a client meet its faults.
type faultListener struct {
	net.Listener
	faults *faults
}

// Accept waits for the next connection.
func (l faultListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &faultConn{Conn: conn, faults: l.faults}, nil
}

// headSize is the length prefix of a request, its key, version and correlation.
const headSize = 4 + 2 + 2 + 4

// faultConn follows the requests on a connection by their heads. What is no request it passes on as it comes.
type faultConn struct {
	net.Conn
	faults *faults

	head  [headSize]byte
	ready []byte // what of the head is still to be handed on
	rest  int64  // bytes of the request behind that
	lost  bool   // the bytes are no requests

	mu      sync.Mutex
	pending []faulted // requests under a fault whose answers are still to come, in order
}

// faulted is a request under a fault.
type faulted struct {
	key, version int16
	correlation  uint32
	fault        fault.Fault
	forget       func()
}

// Read hands on requests, each after its fault has happened if that comes before its effect.
func (c *faultConn) Read(p []byte) (int, error) {
	if len(c.ready) == 0 && c.rest == 0 && !c.lost {
		if err := c.begin(); err != nil {
			return 0, err
		}
	}
	if len(c.ready) > 0 {
		n := copy(p, c.ready)
		c.ready = c.ready[n:]
		return n, nil
	}
	if c.lost {
		return c.Conn.Read(p)
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.rest)])
	c.rest -= int64(n)
	return n, err
}

// begin reads the head of a request.
func (c *faultConn) begin() error {
	n, err := io.ReadFull(c.Conn, c.head[:])
	if n == 0 {
		return err
	}
	c.ready = c.head[:n]
	size := int64(binary.BigEndian.Uint32(c.head[:]))
	if err != nil || size < headSize-4 {
		c.lost = true
		return nil
	}
	c.rest = size - (headSize - 4)
	key := int16(binary.BigEndian.Uint16(c.head[4:]))
	f := c.faults.of(key)
	if f == (fault.Fault{}) {
		return nil
	}
	return c.meet(faulted{
		key: key, version: int16(binary.BigEndian.Uint16(c.head[6:])),
		correlation: binary.BigEndian.Uint32(c.head[8:]), fault: f, forget: func() {},
	})
}

// meet lets a fault happen that comes before the effect of its request, as far as kfake does not have to do it.
func (c *faultConn) meet(r faulted) error {
	err := r.fault.Hit(c.faults.ctx, fault.Before)
	var injected *fault.Error
	switch {
	case errors.As(err, &injected):
		request, err := c.whole(r)
		if err != nil {
			return err
		}
		r.forget = c.faults.refuse(request)
	case err != nil:
		return errors.Join(err, c.Close())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = append(c.pending, r)
	return nil
}

// whole reads the rest of a request and takes it apart.
func (c *faultConn) whole(r faulted) (kmsg.Request, error) {
	frame := bytes.NewBuffer(bytes.Clone(c.ready))
	_, err := io.CopyN(frame, c.Conn, c.rest)
	c.ready, c.rest = frame.Bytes(), 0
	if err != nil {
		return nil, err
	}
	reader := kbin.Reader{Src: c.ready[headSize:]}
	reader.NullableString() // the client's id
	request := kmsg.RequestForKey(r.key)
	if request == nil {
		return nil, fmt.Errorf("there is no request %d to fail", r.key)
	}
	request.SetVersion(r.version)
	if request.IsFlexible() {
		kmsg.SkipTags(&reader)
	}
	if err := request.ReadFrom(reader.Src); err != nil {
		return nil, fmt.Errorf("read %s to fail it: %w", callName(r.key), err)
	}
	return request, nil
}

// Write sends an answer, which kfake hands over whole, after the fault of its request.
func (c *faultConn) Write(frame []byte) (int, error) {
	r, ok := c.answered(frame)
	if !ok {
		return c.Conn.Write(frame)
	}
	r.forget()
	err := r.fault.Hit(c.faults.ctx, fault.After)
	if errors.Is(err, fault.ErrDrop) {
		return 0, errors.Join(err, c.Close())
	}
	out := frame
	if r.fault.Err != "" {
		if out, err = failed(frame, r); err != nil {
			return 0, err
		}
	}
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(frame), nil
}

// answered takes out the request that an answer is for. Those before it got none: their producer wanted none.
func (c *faultConn) answered(frame []byte) (faulted, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(frame) < 8 {
		return faulted{}, false
	}
	correlation := binary.BigEndian.Uint32(frame[4:])
	for i, r := range c.pending {
		if r.correlation == correlation {
			for _, before := range c.pending[:i] {
				before.forget()
			}
			c.pending = c.pending[i+1:]
			return r, true
		}
	}
	return faulted{}, false
}

// Close forgets what has not happened yet.
func (c *faultConn) Close() error {
	c.mu.Lock()
	for _, r := range c.pending {
		r.forget()
	}
	c.pending = nil
	c.mu.Unlock()
	return c.Conn.Close()
}

// failed is an answer with the fault's error in place of every code.
func failed(frame []byte, r faulted) ([]byte, error) {
	answer := kmsg.ResponseForKey(r.key)
	if answer == nil {
		return frame, nil
	}
	answer.SetVersion(r.version)
	head := 8
	if answer.IsFlexible() && r.key != kmsg.ApiVersions.Int16() {
		head++ // no tags
	}
	if len(frame) < head {
		return frame, nil
	}
	if err := answer.ReadFrom(frame[head:]); err != nil {
		return nil, fmt.Errorf("put a fault into the answer to %s: %w", callName(r.key), err)
	}
	setCodes(reflect.ValueOf(answer), errorNamed(r.fault.Err).Code)
	out := answer.AppendTo(append([]byte{}, frame[:head]...))
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out, nil
}

// setCodes sets every ErrorCode within a message.
func setCodes(v reflect.Value, code int16) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			setCodes(v.Elem(), code)
		}
	case reflect.Slice:
		for i := range v.Len() {
			setCodes(v.Index(i), code)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); v.Type().Field(i).Name == "ErrorCode" && f.Kind() == reflect.Int16 {
				f.SetInt(int64(code))
			} else if f.CanSet() {
				setCodes(f, code)
			}
		}
	}
}

// notLeader is the newer name of an error that the library has under the older one.
const notLeader = "NOT_LEADER_OR_FOLLOWER"

// Faults are what rules may say of this server.
func Faults() fault.Target {
	names := []string{notLeader}
	for code := int16(1); code < mostCodes; code++ {
		if e := kerr.TypedErrorForCode(code); e != nil {
			names = append(names, e.Message)
		}
	}
	return fault.Served("kafka", Calls()).Erring(names)
}

// mostCodes is beyond the codes of errors.
const mostCodes = 256

// errorNamed finds an error by Kafka's name for it or, failing that, by how its name begins.
func errorNamed(name string) *kerr.Error {
	if name == notLeader {
		return kerr.NotLeaderForPartition
	}
	begins := kerr.UnknownServerError
	for code := int16(mostCodes) - 1; code > 0; code-- {
		e := kerr.TypedErrorForCode(code)
		switch {
		case e == nil:
		case e.Message == name:
			return e
		case strings.HasPrefix(e.Message, name):
			begins = e
		}
	}
	return begins
}
