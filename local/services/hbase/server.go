// Package hbase is an HBase cluster of one server, embedded in the process, that any HBase client can use over TCP.
//
// It speaks what a client needs: the part of ZooKeeper that finds the cluster, hbase:meta, Get, Scan, Put and
// Delete alone or in a Multi, and the master's CreateTable. Everything else is refused by name with a
// DoNotRetryIOException. Coprocessors, and so Phoenix on the server, do not exist here; the rows of SYSTEM.CATALOG
// are plain rows that the tables are born with.
//
// # Storage
//
// Rows live in Pebble. The key of a row is 0x02, the table's number in 4 bytes, and the row key; the value is the
// whole row: its cells sorted by family, qualifier, newest timestamp, type. One value per row instead of one per
// cell makes a put of ten cells as cheap as one of a single cell. Writes are merge operands (see internal/store)
// and never read. A call is acknowledged when its one batch is synced to the log, and calls that run side by side
// share a sync; nothing acknowledged is lost when the process is killed.
//
// # Versions and deletes
//
// A read shows at most VERSIONS versions of a cell. Three superseded ones are kept beyond that, and a time range
// that ends before the newer ones brings them up, as in an HBase that has not compacted yet; older ones are gone, as
// after a compaction. Tombstones hide by timestamp, also what is written after them, as HBase does until a major
// compaction; here no major compaction ever comes. Of two puts with one timestamp the later write wins, also within
// a Multi, where HBase leaves it open.
package hbase

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"

	"feedstream/local/services/hbase/internal/scanner"
	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"
	"feedstream/local/services/hbase/internal/zookeeper"
	"feedstream/local/services/patient"
)

// What a table is made of.
type (
	Table  = store.Schema
	Family = store.Family
	Cell   = store.Seed
)

// Options say where a server listens and what it holds.
type Options struct {
	ZooKeeperAddr string       // host:port; empty means a free port of 127.0.0.1
	Addr          string       // of region server and master, host:port; empty means a free port of 127.0.0.1
	Host          string       // name that clients are told to connect to; empty means the host of Addr, or 127.0.0.1
	Dir           string       // data directory, created when missing; required
	Logger        *slog.Logger // nil discards
	Tables        []Table      // tables to create unless Dir has them already; nil means DefaultTables
}

// Server is a running HBase.
type Server struct {
	logger    *slog.Logger
	store     *store.Store
	meta      *store.Region
	zookeeper net.Listener
	rpc       net.Listener
	host      string
	port      int
	started   int64 // epoch milliseconds

	ctx      context.Context // ends when the server closes
	cancel   context.CancelFunc
	running  sync.WaitGroup
	sessions atomic.Int64
	fault    atomic.Pointer[func(Call) Fault]
	moved    sync.Map // name of a region -> it is refused once more
	scanners scanner.Scanners
	maxCells int // bytes of cells in the answer to a Multi, roughly

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// Start opens the data directory and serves it. A directory that another server holds is an error.
func Start(options Options) (*Server, error) {
	if options.ZooKeeperAddr == "" {
		options.ZooKeeperAddr = freeAddr
	}
	s, err := open(options)
	if err != nil {
		return nil, fmt.Errorf("hbase at %s: %w", options.ZooKeeperAddr, err)
	}
	return s, nil
}

func open(options Options) (*Server, error) {
	if options.Dir == "" {
		return nil, errors.New("open the store: Options.Dir is empty; name a data directory")
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.Tables == nil {
		tables, err := DefaultTables()
		if err != nil {
			return nil, err
		}
		options.Tables = tables
	}
	db, err := store.Open(options.Dir, options.Logger)
	if err != nil {
		return nil, err
	}
	s := &Server{logger: options.Logger, store: db, meta: newMeta(), conns: map[net.Conn]struct{}{},
		maxCells: wire.MaxResultSize}
	s.started = s.now()
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.prepare(options); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	nodes := zookeeper.Cluster(clusterID, s.serverName())
	s.serve(s.zookeeper, func(conn net.Conn) { nodes.Serve(conn, s.sessions.Add(1)) })
	s.serve(s.rpc, func(conn net.Conn) { wire.Serve(conn, s.logger, s.call) })
	s.running.Go(func() { s.scanners.Expire(s.ctx, s.logger) })
	return s, nil
}

// prepare creates missing tables, and missing rows of the others, and listens.
func (s *Server) prepare(options Options) error {
	for _, t := range options.Tables {
		if s.store.All()[t.Name] != nil {
			if err := s.store.Seed(t); err != nil {
				return fmt.Errorf("complete table %s: %w", t.Name, err)
			}
			continue
		}
		if err := s.store.Create(t, s.started); err != nil {
			return fmt.Errorf("create table %s: %w", t.Name, err)
		}
	}
	var err error
	if s.zookeeper, err = listen(options.ZooKeeperAddr, s.logger); err != nil {
		return fmt.Errorf("listen for zookeeper: %w", err)
	}
	if s.rpc, err = listen(options.Addr, s.logger); err != nil {
		return fmt.Errorf("listen for the region server: %w", err)
	}
	address := s.rpc.Addr().(*net.TCPAddr)
	s.port, s.host = address.Port, options.Host
	if s.host == "" {
		if s.host = address.IP.String(); address.IP.IsUnspecified() {
			s.host = "127.0.0.1"
		}
	}
	return nil
}

// freeAddr is a free port of loopback.
const freeAddr = "127.0.0.1:0"

func listen(addr string, logger *slog.Logger) (net.Listener, error) {
	if addr == "" {
		addr = freeAddr
	}
	inner, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return patient.Wrap(inner, logger), nil
}

// ZooKeeperAddr is the host:port that clients are configured with.
func (s *Server) ZooKeeperAddr() string { return s.zookeeper.Addr().String() }

// Addr is the host:port of the region server and master.
func (s *Server) Addr() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }

// Close breaks all connections, waits for the calls that run, and closes the data directory. It may be repeated.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.cancel()
	for _, l := range []net.Listener{s.zookeeper, s.rpc} {
		if l != nil {
			_ = l.Close() // nothing is lost with a listener
		}
	}
	for conn := range s.conns {
		_ = conn.Close() // clients see a broken connection, which is what closing means
	}
	s.mu.Unlock()
	s.running.Wait()
	if err := errors.Join(s.scanners.CloseAll(), s.store.Close()); err != nil {
		return fmt.Errorf("hbase at %s: close: %w", s.Addr(), err)
	}
	return nil
}

// serve runs handle for each connection until the listener closes.
func (s *Server) serve(l net.Listener, handle func(net.Conn)) {
	s.running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // the listener is closed: any other error passes inside of it
			}
			if err := s.enter(conn); err != nil {
				_ = conn.Close() // it has been told of nothing
				if errors.Is(err, net.ErrClosed) {
					return
				}
				s.logger.Warn("hbase: a connection is refused", "client", conn.RemoteAddr().String(), "error", err)
				continue
			}
			s.running.Go(func() {
				defer s.leave(conn)
				handle(conn)
			})
		}
	})
}

// maxConnections bounds what clients can make the server hold. They keep one or two each.
const maxConnections = 1000

var errFull = fmt.Errorf("there are %d, the most that this server holds", maxConnections)

// enter remembers a connection, so that Close can break it; net.ErrClosed once the server has closed.
func (s *Server) enter(conn net.Conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	if len(s.conns) >= maxConnections {
		return errFull
	}
	s.conns[conn] = struct{}{}
	return nil
}

func (s *Server) leave(conn net.Conn) {
	_ = conn.Close() // often closed already
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}
