// Package kafka runs a Kafka broker inside the process: franz-go's kfake on one TCP listener, its
// log on disk. Any client may speak to it; what kfake does not support it refuses by name, in the
// protocol's own way. A guard stands before kfake on every connection: it closes those that speak
// another language, refuses what a broker refuses and kfake believes, and gives kfake's answers the
// form that all clients understand.
//
// What it keeps: an acknowledged record, a created topic and a committed offset are written to the
// files of the data directory before the answer goes out, so they survive the death of the process
// (kill -9). They are not flushed to the device one by one, as in Kafka itself: a loss of power may
// take the last seconds before it. Close flushes everything.
//
// What it never does: create a topic that nobody asked for, or delete records by age or size. A
// simulated or replayed feed carries old timestamps, and a sweep by age would remove it while it is
// being read.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"

	"github.com/gofrs/flock"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"feedstream/local/services/patient"
)

// Options say where the broker listens and what it holds.
type Options struct {
	// Addr is the host:port to listen on, and the one told to clients. An empty host is 127.0.0.1;
	// port 0 takes a free one.
	Addr string
	// Dir holds the log. It is created when absent; one process at a time may use it.
	Dir string
	// Topics exist once Start has returned.
	Topics []Topic
	// Logger takes the broker's warnings, and its requests at level debug. Nil discards them.
	Logger *slog.Logger
}

// Server is a running broker. Its methods may be called from any goroutine.
type Server struct {
	cluster *kfake.Cluster
	addr    string
	faults  *faults
	lock    *flock.Flock
	close   sync.Once
	closed  error
}

// Start opens the data directory, listens and makes the topics. It fails when the address is taken,
// when another process holds the directory, or when a topic exists with fewer partitions than asked for.
func Start(opts Options) (*Server, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Dir == "" {
		return nil, errors.New("kafka: the data directory is not set")
	}
	lock, err := lockDir(opts.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{lock: lock}
	s.faults = newFaults(s.Cluster)
	if err := s.start(opts); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) start(opts Options) error {
	if err := removeOrphans(opts.Dir, opts.Logger); err != nil {
		return err
	}
	starts, err := openStarts(opts.Dir)
	if err != nil {
		return err
	}
	clients, err := listen(opts.Addr)
	if err != nil {
		return err
	}
	s.addr = clients.Addr().String()
	inside := newListener(patient.Wrap(clients, opts.Logger))
	s.cluster, err = kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ClusterID("feedstream"),
		kfake.DataDir(opts.Dir),
		kfake.BrokerConfigs(keepForEver()),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return faultListener{inside, s.faults}, nil }),
		kfake.WithLogger(logger{opts.Logger}),
	)
	if err != nil {
		return errors.Join(fmt.Errorf("kafka: open the log in %s: %w", opts.Dir, err), inside.Close())
	}
	// Reading the log back touches all of it; without this the process keeps that much memory.
	debug.FreeOSMemory()
	if err := prepare(inside, starts, opts); err != nil {
		return err
	}
	rules := brokerRules()
	rules[kmsg.DeleteRecords] = starts.rule()
	go inside.serve(rules, usualLimits, opts.Logger) // ends when kfake closes its listener
	return nil
}

// prepare sets the broker up before a client sees it.
func prepare(inside *listener, starts *starts, opts Options) error {
	ctx := context.Background()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(inside.Addr().String()),
		kgo.Dialer(inside.dial),
		kgo.MaxVersions(kversion.V2_8_0()), // the last in which requests name topics by their names
	)
	if err != nil {
		return fmt.Errorf("kafka: connect to the broker just started: %w", err)
	}
	defer client.Close()
	if err := starts.restore(ctx, client, opts.Logger); err != nil {
		return err
	}
	return ensureTopics(ctx, client, opts.Topics)
}

// Addr returns the host:port that clients connect to.
func (s *Server) Addr() string { return s.addr }

// Cluster is the broker's inside, for tests that need more of it than Fault has: Cluster().Fault makes
// single partitions fail, ControlKey intercepts requests.
func (s *Server) Cluster() *kfake.Cluster { return s.cluster }

// Close disconnects the clients, flushes the log to the device and releases the directory.
func (s *Server) Close() error {
	s.close.Do(func() {
		s.faults.cancel()
		if s.cluster != nil {
			s.cluster.Close()
		}
		if err := s.lock.Unlock(); err != nil {
			s.closed = fmt.Errorf("kafka: release the data directory: %w", err)
		}
	})
	return s.closed
}

func listen(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("kafka: address %q is not host:port: %w", addr, err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return listener, nil
}

func lockDir(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("kafka: make the data directory: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("kafka: lock the data directory %s: %w", dir, err)
	}
	if !held {
		return nil, fmt.Errorf("kafka: another process uses the data directory %s: stop it or choose another", dir)
	}
	return lock, nil
}

// keepForEver turns off whatever would remove records or committed offsets by itself. One topic with
// a retention setting is enough to make the broker sweep all of them by the broker's own default, so
// it is the default that has to say "never".
func keepForEver() map[string]string {
	return map[string]string{
		"log.retention.ms":          "-1",
		"log.retention.bytes":       "-1",
		"offsets.retention.minutes": strconv.Itoa(math.MaxInt32),
	}
}

// logger passes kfake's lines on. Its informational level reports each request: debug, for us.
type logger struct{ to *slog.Logger }

func (l logger) Logf(level kfake.LogLevel, format string, args ...any) {
	to := slog.LevelDebug
	switch level {
	case kfake.LogLevelError:
		to = slog.LevelError
	case kfake.LogLevelWarn:
		to = slog.LevelWarn
	}
	if l.to.Enabled(context.Background(), to) {
		l.to.Log(context.Background(), to, fmt.Sprintf(format, args...))
	}
}
