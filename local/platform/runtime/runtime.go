// Package runtime runs functions as Function Compute's custom runtimes do: their processes, the requests
// that each may serve at a time, lifecycle hooks, and log files.
package runtime

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"feedstream/local/platform/manifest"
	"feedstream/local/process"
)

// Credentials are what functions and callers sign with.
type Credentials struct{ AccessKeyID, AccessKeySecret, SecurityToken string }

// Config says what every function is told and where its lines go.
type Config struct {
	// Overlay is laid over every function's declared environment.
	Overlay           map[string]string
	Region, AccountID string
	Credentials       Credentials
	LogDir            string    // one file a function
	Verbose           io.Writer // gets the functions' log lines too; nil: nobody
	Logger            *slog.Logger
	// Fault is asked for each request that an instance is to run; nil: nothing goes wrong.
	Fault func(function string) Fault
}

// Status is a picture of one function. It counts since the runtime began.
type Status struct {
	Name                string
	Instances           int
	Invocations, Errors int64
	// Used is by all its instances, those that are no more included: their memory as it was when last looked at.
	Used     process.Usage
	MemoryMB int     // of an instance, as declared
	CPU      float64 // vCPUs of an instance, as declared
	// Busy is the time in which instances had requests, summed over them: what is billed.
	Busy time.Duration
}

// Runtime holds the functions of a manifest. Their processes start when they are called.
type Runtime struct {
	cfg       Config
	functions map[string]*Function
	starter   *starter
	stopping  context.Context
	stop      context.CancelFunc
}

// New makes the functions ready to be called.
func New(cfg Config, declared []manifest.Function) (*Runtime, error) {
	if err := os.MkdirAll(cfg.LogDir, 0o755); err != nil {
		return nil, fmt.Errorf("make the log directory: %w", err)
	}
	r := &Runtime{cfg: cfg, functions: map[string]*Function{}, starter: newStarter()}
	r.stopping, r.stop = context.WithCancel(context.Background())
	for i := range declared {
		r.functions[declared[i].Name] = r.newFunction(&declared[i])
	}
	return r, nil
}

// Function returns the function of that name, nil when there is none.
func (r *Runtime) Function(name string) *Function { return r.functions[name] }

// Stop gives up instances whose port does not answer yet; requests under way go on.
func (r *Runtime) Stop() { r.stop() }

// Kill ends all instances at once and refuses further requests.
func (r *Runtime) Kill() {
	for _, f := range r.functions {
		f.kill()
	}
}

// Close refuses further requests and stops all instances side by side: pre-stop, then SIGTERM.
func (r *Runtime) Close(ctx context.Context) error {
	r.stop()
	var stopping sync.WaitGroup
	ended := make(chan error, len(r.functions))
	for _, f := range r.functions {
		stopping.Go(func() { ended <- f.close(ctx) })
	}
	stopping.Wait()
	close(ended)
	var problems []error
	for err := range ended {
		problems = append(problems, err)
	}
	r.starter.close()
	return errors.Join(problems...)
}

// NewRequestID returns an id as the platform gives every invocation one.
func NewRequestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return "1-" + hex.EncodeToString(id[:4]) + "-" + hex.EncodeToString(id[4:])
}
