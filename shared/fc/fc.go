// Package fc speaks the HTTP contract between Function Compute and a custom runtime: the platform
// starts the process, waits until its port answers, and then sends
//
//	POST /initialize   once for each instance, before the first invocation
//	POST /invoke       an event: a push of the event stream, a timer
//	any other request  the unchanged request of an HTTP trigger
//	GET  /pre-stop     before the instance is destroyed
//
// The header x-fc-control-path names the kind of a request where the platform sends it; otherwise
// the path decides. Source: Function Compute 3.0, "Custom runtimes" and "Instance lifecycle hooks".
//
// Between two requests an instance may be frozen: nothing here runs outside a request, apart from
// the listener itself and the drain after SIGTERM.
package fc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"feedstream/shared/build"
)

// MaxEventBytes is the largest event of a synchronous invocation: 32 MB.
const MaxEventBytes = 32 << 20

// Function is what a process offers the platform. A nil field answers its requests as the platform
// expects of a function without it: hooks succeed, events and HTTP requests are refused.
type Function struct {
	// Initialize runs once before the first invocation. Its error fails the instance.
	Initialize func(ctx context.Context) error
	// Invoke handles one event and returns the response body. Several run at the same time. An
	// error fails the invocation as a whole, so that the platform repeats the event.
	Invoke func(ctx context.Context, event []byte) ([]byte, error)
	// HTTP serves the requests of HTTP triggers.
	HTTP http.Handler
	// PreStop runs when the platform is about to destroy the instance, after the requests then
	// running have ended.
	PreStop func(ctx context.Context) error
}

// Config says how a function is served.
type Config struct {
	// Addr is host:port to listen on. The platform needs 0.0.0.0, a laptop wants 127.0.0.1.
	Addr string
	// MemoryMB is the memory size of the instance; it bounds the event bytes in flight and, unless GOMEMLIMIT
	// is set, where the garbage collector works harder rather than let memory grow. 0 means 512.
	MemoryMB int
	// Credentials serve requests that bring none in their headers.
	Credentials Credentials
	Logger      *slog.Logger
	// RequestLines receives a line at the start and at the end of each request, as the platform's
	// log search expects them on the standard output.
	RequestLines io.Writer
}

// memory is the memory size of the instance in bytes.
func (c *Config) memory() int64 {
	if c.MemoryMB == 0 {
		return 512 << 20
	}
	return int64(c.MemoryMB) << 20
}

// memoryLimit leaves a tenth of an instance to what Go's runtime does not count: the program's own pages, the
// kernel's buffers of its connections.
func memoryLimit(memory int64) int64 { return memory / 10 * 9 }

// Handler answers the platform's requests as Run does.
func Handler(cfg Config, f Function) http.Handler { return newHandler(cfg, f) }

// drainTimeout bounds the wait for running requests after SIGTERM. Function Compute allows a
// pre-stop hook 90 s; a push ends earlier by its own deadline.
const drainTimeout = 30 * time.Second

// Run serves f until ctx ends, then lets the running requests finish and returns nil. It returns
// an error when the address cannot be listened on or the listener breaks.
func Run(ctx context.Context, cfg Config, f Function) error {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit(cfg.memory()))
	}
	listener, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return fmt.Errorf("listen for the platform on %s: %w", cfg.Addr, err)
	}
	server := &http.Server{
		// No idle timeout: the platform keeps connections for 15 minutes and reports one that the
		// function closes as a crash.
		Handler:  newHandler(cfg, f),
		ErrorLog: slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	info := build.Read()
	cfg.Logger.Info("serving", "addr", listener.Addr().String(),
		"release", info.Version, "commit", info.Commit, "go", info.Go)
	select {
	case err := <-failed:
		return fmt.Errorf("serve the platform on %s: %w", cfg.Addr, err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := server.Shutdown(drain); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("drain the running requests: %w", err)
	}
	return nil
}
