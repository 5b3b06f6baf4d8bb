// Package stack is everything that `feedstream up` runs: embedded services or those named elsewhere, the
// functions of a manifest on the local platform, the first reference, the count of verdicts, the console,
// and the simulated feed.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"feedstream/local/audit"
	"feedstream/local/console"
	"feedstream/local/doctor"
	"feedstream/local/platform"
	"feedstream/local/platform/manifest"
	"feedstream/local/services/patient"
	"feedstream/local/target"
	"feedstream/shared/reference"
)

// Config says what a stack runs and where it keeps its data.
type Config struct {
	Manifest string // path of the s.yaml
	// Env, when not empty, is the path of a file that names servers to take the place of embedded ones.
	Env string
	// Data is the data directory; one stack at a time may use it. It is made when it is missing.
	Data string
	// Ephemeral takes free ports and a temporary data directory, which Close removes.
	Ephemeral bool
	Ports     *Ports // nil: free ones
	// Endpoints, when not empty, is a file to write the endpoints to once everything is ready.
	Endpoints string
	// Partitions is how many the input and the output topic of the embedded Kafka are made with; 0 is four. Topics that
	// are there already must not have fewer.
	Partitions int
	// Reference is loaded on the first start; nil is the article's Hang Seng stocks.
	Reference []reference.Document
	// AnonymousHTTP serves the HTTP triggers of authType function without a signature.
	AnonymousHTTP bool
	// ConsoleToken lets whoever knows it use the console from beyond this machine. Empty: one that Start draws when
	// the console listens there.
	ConsoleToken string
	Stderr       io.Writer // gets warnings; nil: nobody
	Verbose      bool      // Stderr gets the functions' logs too
	// Faults are rules that hold from the first reference on, as SetFaults takes them, and the seed of their shares.
	Faults    []string
	FaultSeed uint64
}

// Stack is a running stack.
type Stack struct {
	cfg       Config
	logger    *slog.Logger
	lock      *flock.Flock
	services  services
	target    target.Target
	platform  *platform.Platform
	verdicts  *audit.Verdicts
	stopTail  context.CancelFunc
	tailEnded chan error
	console   *http.Server
	page      *console.Console
	manifest  *manifest.Manifest
	faults    *faults
	endpoints target.Endpoints
	programs  []program
	once      sync.Once
	closed    error
}

// Start starts services, platform, reference, streams and console, in this order: pushes begin when there
// is a snapshot to join them with. Either all of it runs, or nothing when it returns an error.
func Start(ctx context.Context, cfg Config) (_ *Stack, err error) {
	elsewhere, m, err := load(cfg)
	if err != nil {
		return nil, err
	}
	if err := m.CheckBinaries(); err != nil {
		return nil, err
	}
	if cfg.Stderr != nil {
		cfg.Stderr = &oneAtATime{to: cfg.Stderr} // logs, counts and functions write to it
	}
	s := &Stack{cfg: cfg, logger: cfg.logger(), manifest: m, programs: programsOf(m)}
	rules, err := s.prepareFaults(elsewhere, m)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := s.prepare(elsewhere); err != nil {
		return nil, err
	}
	s.services = services{dir: s.cfg.Data, names: elsewhere.Names, partitions: s.cfg.Partitions, logger: s.logger}
	if s.target, err = s.services.start(s.cfg.Ports, elsewhere); err != nil {
		return nil, err
	}
	if err := doctor.Problems(doctor.Services(ctx, elsewhere, target.Kafka, target.HBase)); err != nil {
		return nil, fmt.Errorf("the services that %s names are not ready: %w", cfg.Env, err)
	}
	if err := s.startPlatform(m); err != nil {
		return nil, err
	}
	if err := firstReference(ctx, &s.target, s.platform, s.cfg.Reference, s.logger); err != nil {
		return nil, err
	}
	s.startFaults(rules)
	s.platform.StartStreams()
	if err := s.followVerdicts(); err != nil {
		return nil, err
	}
	if err := s.serveConsole(); err != nil {
		return nil, err
	}
	return s, s.writeEndpoints()
}

// program says what runs here in place of what the manifest has deployed.
type program struct{ deployed, here string }

func programsOf(m *manifest.Manifest) (programs []program) {
	for _, f := range m.Functions {
		if len(f.Command) > 0 {
			programs = append(programs, program{f.Code, f.Command[0]})
		}
	}
	return programs
}

// load reads the manifest and what is named elsewhere: a target without services when nothing is.
func load(cfg Config) (*target.Target, *manifest.Manifest, error) {
	if cfg.Env != "" {
		t, m, err := target.FromFile(cfg.Env, cfg.Manifest)
		if err == nil && t.Has(target.OSS) { // functions that run here need it at once
			if err = t.Needs(target.OSS); err != nil {
				err = fmt.Errorf("%s: %w", cfg.Env, err)
			}
		}
		return &t, m, err
	}
	m, err := manifest.Load(cfg.Manifest)
	if err != nil {
		return nil, nil, err
	}
	names, err := target.NamesOf(m)
	return &target.Target{Names: names}, m, err
}

func (c *Config) logger() *slog.Logger {
	if c.Stderr == nil {
		return slog.New(slog.DiscardHandler)
	}
	level := slog.LevelWarn
	if c.Verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(c.Stderr, &slog.HandlerOptions{Level: level}))
}

// oneAtATime is a writer for several writers.
type oneAtATime struct {
	mu sync.Mutex
	to io.Writer
}

func (w *oneAtATime) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}

// prepare makes and locks the data directory, and finds every port that is taken.
func (s *Stack) prepare(elsewhere *target.Target) (err error) {
	if s.cfg.Ephemeral || s.cfg.Ports == nil {
		s.cfg.Ports = s.cfg.Ports.free()
	}
	if s.cfg.Ephemeral {
		if s.cfg.Data, err = os.MkdirTemp("", "feedstream-"); err != nil {
			return fmt.Errorf("make the temporary data directory: %w", err)
		}
	}
	if s.lock, err = lockData(s.cfg.Data); err != nil {
		return err
	}
	return s.cfg.Ports.check(elsewhere)
}

// lockTimeout is how long a start waits for the data directory: a verb that looks whether a stack runs
// there holds its lock for a moment.
const lockTimeout = time.Second

// lockData refuses a second stack on the same data directory.
func lockData(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), lockTimeout)
	defer cancel()
	lock := flock.New(filepath.Join(dir, target.LockFile))
	held, err := lock.TryLockContext(ctx, 20*time.Millisecond)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("lock the data directory %s: %w", dir, err)
	}
	if !held {
		return nil, fmt.Errorf("another stack runs on the data directory %s: end it, or choose another with --data", dir)
	}
	return lock, nil
}

func (s *Stack) startPlatform(m *manifest.Manifest) error {
	options, err := s.target.KafkaOptions()
	if err != nil {
		return err
	}
	var verbose io.Writer
	if s.cfg.Verbose {
		verbose = s.cfg.Stderr
	}
	s.platform, err = platform.Start(platform.Config{
		Manifest: m, Overlay: s.target.Overlay(), Region: s.target.OSS.Region, AccountID: "0",
		Credentials:  platform.Credentials(s.target.Credentials),
		KafkaBrokers: s.target.Kafka.Brokers, KafkaOptions: options,
		HTTPAddr: s.cfg.Ports.addr(s.cfg.Ports.http), APIAddr: s.cfg.Ports.addr(s.cfg.Ports.fc), AnonymousHTTP: s.cfg.AnonymousHTTP,
		LogDir: filepath.Join(s.cfg.Data, target.LogFolder), Verbose: verbose, Logger: s.logger,
		InstanceFault: s.faults.instance, PushFault: s.faults.push,
	})
	if err != nil {
		return err
	}
	s.endpoints = s.target.Endpoints()
	s.endpoints.FC = "http://" + reachable(s.platform.APIAddr())
	for _, f := range m.Functions {
		if len(f.HTTP) > 0 {
			s.endpoints.HTTPTriggers[f.Name] = "http://" + reachable(s.platform.HTTPAddr()) + "/" + f.Name
		}
	}
	return nil
}

func (s *Stack) followVerdicts() error {
	options, err := s.target.KafkaOptions()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stopTail, s.tailEnded = cancel, make(chan error, 1)
	s.verdicts = audit.NewVerdicts(audit.Kafka{Brokers: s.target.Kafka.Brokers, Options: options}, s.target.Names.Topics, s.logger)
	go func() { s.tailEnded <- s.verdicts.Run(ctx) }()
	return nil
}

func (s *Stack) serveConsole() error {
	listener, err := net.Listen("tcp", s.cfg.Ports.addr(s.cfg.Ports.console))
	if err != nil {
		return fmt.Errorf("listen for the console: %w", err)
	}
	s.endpoints.Console = "http://" + reachable(listener.Addr().String())
	if !listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
		if s.endpoints.ConsoleToken = s.cfg.ConsoleToken; s.endpoints.ConsoleToken == "" {
			s.endpoints.ConsoleToken = console.NewToken()
		}
	}
	s.target.Console, s.target.ConsoleToken = s.endpoints.Console, s.endpoints.ConsoleToken
	s.page = console.New(console.Config{
		Status: s.picture, Faults: s, Platform: s.platform, Endpoints: s.endpoints,
		Target: &s.target, Manifest: s.manifest,
		Token: s.endpoints.ConsoleToken,
	})
	s.console = &http.Server{Handler: s.page, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	go func() { _ = s.console.Serve(patient.Wrap(listener, s.logger)) }() // ends with Close
	return nil
}

func (s *Stack) writeEndpoints() error {
	if err := s.endpoints.Write(filepath.Join(s.cfg.Data, target.EndpointsFile)); err != nil {
		return err
	}
	if s.cfg.Endpoints == "" {
		return nil
	}
	return s.endpoints.Write(s.cfg.Endpoints)
}

// Endpoints says where the stack is reached.
func (s *Stack) Endpoints() target.Endpoints { return s.endpoints }

// Target says where its services are.
func (s *Stack) Target() target.Target { return s.target }

// Close stops everything in the reverse order of the start: streams drain before their sinks go. Every
// call but the first returns what the first one did.
func (s *Stack) Close() error {
	s.once.Do(func() { s.closed = s.close() })
	return s.closed
}

func (s *Stack) close() error {
	var problems []error
	s.faults.stop()
	if s.console != nil {
		problems = append(problems, s.console.Close())
		s.page.Close()
	}
	if s.platform != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		problems = append(problems, s.platform.Close(ctx))
	}
	s.faults.wait()
	if s.stopTail != nil {
		s.stopTail()
		problems = append(problems, <-s.tailEnded)
	}
	problems = append(problems, s.services.close())
	if s.lock != nil {
		if err := os.Remove(filepath.Join(s.cfg.Data, target.EndpointsFile)); !errors.Is(err, os.ErrNotExist) {
			problems = append(problems, err)
		}
		problems = append(problems, s.lock.Unlock())
	}
	if s.cfg.Ephemeral && s.cfg.Data != "" {
		problems = append(problems, os.RemoveAll(s.cfg.Data))
	}
	return errors.Join(problems...)
}
