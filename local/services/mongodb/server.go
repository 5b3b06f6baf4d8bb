// Package mongodb is an embedded MongoDB server for a laptop: it speaks the wire protocol on TCP, so that any driver
// can use it, and keeps its collections on disk, where acknowledged writes survive a kill.
//
// It has the commands a reference collection needs. Everything else (other commands, options, operators) it refuses
// by name in the protocol's own way; it never answers something else than MongoDB would. It has no authentication,
// no TLS, no transactions, no compression.
package mongodb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"feedstream/local/services/fault"
	"feedstream/local/services/mongodb/internal/store"
	"feedstream/local/services/patient"
)

// maxConnections bounds what clients can make the server hold. Drivers keep a handful each.
const maxConnections = 500

// patience is how long a client may take to read one answer, of 16 MB at most.
const patience = 30 * time.Second

// Options configures a server.
type Options struct {
	Addr   string       // host:port to listen on; port 0 picks a free one. Empty is 127.0.0.1:0.
	Dir    string       // data directory, made when absent; required
	Logger *slog.Logger // nil discards
}

// Server is a running server.
type Server struct {
	store    *store.Store
	listener net.Listener
	log      *slog.Logger
	cursors  *cursors
	hook     atomic.Pointer[func(Command) fault.Fault]
	replies  atomic.Int32    // the last reply's id
	patience time.Duration   // how long a client may take over one answer
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc

	mu          sync.Mutex
	connections map[net.Conn]int32 // value: the connection's number
	accepted    int32
	closed      bool
	running     sync.WaitGroup
}

// Start opens the data directory and listens. It fails when another server has the directory open or the address is
// taken.
func Start(options Options) (*Server, error) {
	if options.Dir == "" {
		return nil, errors.New("start MongoDB: no data directory given")
	}
	if options.Addr == "" {
		options.Addr = "127.0.0.1:0"
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	st, err := store.Open(options.Dir, options.Logger)
	if err != nil {
		return nil, fmt.Errorf("start MongoDB: %w", err)
	}
	listener, err := net.Listen("tcp", options.Addr)
	if err != nil {
		return nil, fmt.Errorf("start MongoDB: %w", errors.Join(err, st.Close()))
	}
	s := &Server{
		store: st, listener: patient.Wrap(listener, options.Logger), log: options.Logger, cursors: newCursors(),
		connections: map[net.Conn]int32{}, patience: patience,
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.running.Go(s.accept)
	return s, nil
}

// Addr is the host:port the server listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close stops listening, ends connections after the command each is working on, and closes the data directory. A
// second call does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.cancel()
	err := s.listener.Close()
	for connection := range s.connections {
		connection.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
	s.cursors.closeAll()
	if err := errors.Join(err, s.store.Close()); err != nil {
		return fmt.Errorf("stop MongoDB: %w", err)
	}
	return nil
}

func (s *Server) accept() {
	for {
		connection, err := s.listener.Accept()
		if err != nil { // the listener is closed
			return
		}
		if number, ok := s.admit(connection); ok {
			s.running.Go(func() { s.serve(connection, number) })
			continue
		}
		connection.Close()
	}
}

// admit registers a connection, unless the server is closing or full.
func (s *Server) admit(connection net.Conn) (int32, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, false
	}
	if len(s.connections) >= maxConnections {
		s.log.Warn("refuse a connection: there are too many", "limit", maxConnections)
		return 0, false
	}
	s.accepted++
	s.connections[connection] = s.accepted
	return s.accepted, true
}

func (s *Server) serve(connection net.Conn, number int32) {
	defer func() {
		connection.Close()
		s.mu.Lock()
		delete(s.connections, connection)
		s.mu.Unlock()
	}()
	err := s.converse(connection, number)
	if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		s.log.Warn("close a connection", "peer", connection.RemoteAddr().String(), "error", err)
	}
}
