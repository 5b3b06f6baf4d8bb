// Package wire leads clients to servers through TCP proxies on loopback, so that the network between them can be cut.
package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Wire is what lies between servers and their clients. It is whole, or cut for all of them at once: by Refuse or by
// Silence, and until Mend. Only one cut is made at a time.
type Wire struct {
	mu      sync.Mutex
	leads   []*lead
	conns   map[net.Conn]struct{} // of both sides
	refuses bool
	flow    chan struct{} // closed while bytes pass
	closed  bool
	running sync.WaitGroup
}

// lead is one way through the wire.
type lead struct {
	listen, to string
	listener   net.Listener
}

// New is a wire without a way through it.
func New() *Wire {
	w := &Wire{conns: map[net.Conn]struct{}{}, flow: make(chan struct{})}
	close(w.flow)
	return w
}

// Lead has whoever connects to listen reach to; both are host:port, and the one of listen is not 0. The server need
// not be there yet: as long as it is not, connections are reset.
func (w *Wire) Lead(listen, to string) error {
	l := &lead{listen: listen, to: to}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.listen(l); err != nil {
		return err
	}
	w.leads = append(w.leads, l)
	return nil
}

func (w *Wire) listen(l *lead) (err error) {
	if l.listener, err = net.Listen("tcp", l.listen); err != nil {
		return fmt.Errorf("lead to %s: %w", l.to, err)
	}
	listener := l.listener
	w.running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // closed, by Refuse or by Close
			}
			w.running.Go(func() { w.pass(client, l.to) })
		}
	})
	return nil
}

// Refuse resets every connection, and has new ones refused.
func (w *Wire) Refuse() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuses = true
	w.cut()
}

// cut ends what listens and what is connected.
func (w *Wire) cut() {
	for _, l := range w.leads {
		if l.listener != nil {
			_ = l.listener.Close()
			l.listener = nil
		}
	}
	for conn := range w.conns {
		reset(conn)
	}
}

// Silence lets no byte pass and no connection end. Clients still connect, for it is a system that answers that, and
// hear nothing. What was sent arrives after Mend, as it does by TCP when a network comes back.
func (w *Wire) Silence() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flow = make(chan struct{})
}

// Mend makes the wire whole again. Its ports may have been taken by somebody else in the meantime: it tries until ctx
// ends.
func (w *Wire) Mend(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resume()
	w.refuses = false
	for _, l := range w.leads {
		for l.listener == nil {
			err := w.listen(l)
			if err == nil {
				break
			}
			select {
			case <-ctx.Done():
				return errors.Join(err, ctx.Err())
			case <-time.After(100 * time.Millisecond): // a port that becomes free is announced to nobody
			}
		}
	}
	return nil
}

func (w *Wire) resume() {
	select {
	case <-w.flow:
	default:
		close(w.flow)
	}
}

// Close ends every connection, and returns when none is left.
func (w *Wire) Close() {
	w.mu.Lock()
	w.closed = true
	w.cut()
	w.resume()
	w.mu.Unlock()
	w.running.Wait()
}

// pass carries the bytes of a client to a server and back.
func (w *Wire) pass(client net.Conn, to string) {
	defer reset(client) // after an orderly end it is closed already
	if !w.keep(client) {
		return
	}
	defer w.forget(client)
	w.await()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer reset(server)
	if !w.keep(server) {
		return
	}
	defer w.forget(server)
	var both sync.WaitGroup
	both.Go(func() { w.carry(server, client) })
	both.Go(func() { w.carry(client, server) })
	both.Wait()
	_ = client.Close()
	_ = server.Close()
}

// carry copies until from says that nothing more comes, which it hands on; what goes wrong ends both.
func (w *Wire) carry(to, from net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		w.await()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				reset(from)
				return
			}
		}
		if errors.Is(err, io.EOF) {
			_ = to.(*net.TCPConn).CloseWrite() // it may have ended
			return
		}
		if err != nil {
			reset(to)
			return
		}
	}
}

// await returns when bytes pass.
func (w *Wire) await() {
	w.mu.Lock()
	flow := w.flow
	w.mu.Unlock()
	<-flow
}

// keep says whether a connection may be, and remembers it for the next cut.
func (w *Wire) keep(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuses || w.closed {
		return false
	}
	w.conns[conn] = struct{}{}
	return true
}

func (w *Wire) forget(conn net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, conn)
}

// reset ends a connection without a word of farewell. One that is closed stays so.
func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}
