// Package runtime runs functions as Function Compute's custom runtime does: each instance is a process with
// a port of its own, started when there is work, initialised once, called by several requests at a time,
// killed when it overruns its timeout, and told before it is stopped.
package runtime

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"sync"

	"feedstream/local/platform/manifest"
)

// Credentials are what functions sign with.
type Credentials struct{ AccessKeyID, AccessKeySecret, SecurityToken string }

// Config is what all functions have in common.
type Config struct {
	// Overlay is laid over every function's declared environment.
	Overlay           map[string]string
	Region, AccountID string
	Credentials       Credentials
	LogDir            string    // one file a function
	Verbose           io.Writer // gets the functions' log lines too; nil: nobody
	Logger            *slog.Logger
}

// Runtime holds the functions of one platform.
type Runtime struct {
	cfg       Config
	starter   *starter
	functions map[string]*Function
	stopping  context.Context // ends the starts of processes
	stop      context.CancelFunc
}

// New makes the functions ready to be called; their processes start when they are.
func New(cfg Config, declared []manifest.Function) *Runtime {
	r := &Runtime{cfg: cfg, starter: newStarter(), functions: map[string]*Function{}}
	r.stopping, r.stop = context.WithCancel(context.Background())
	for i := range declared {
		r.functions[declared[i].Name] = r.function(&declared[i])
	}
	return r
}

func (r *Runtime) function(spec *manifest.Function) *Function {
	limit := spec.ReservedConcurrency
	if limit == 0 {
		limit = defaultInstances
	}
	logs := &logFile{path: filepath.Join(r.cfg.LogDir, spec.Name+".log"), prefix: spec.Name, also: r.cfg.Verbose, limit: maxLogBytes}
	return &Function{
		spec: spec, logs: logs, logger: r.cfg.Logger.With("function", spec.Name), headers: headers(&r.cfg, spec),
		launcher: launcher{spec: spec, environment: environment(&r.cfg, spec), starter: r.starter, logs: logs, stopping: r.stopping},
		slots:    make(chan struct{}, limit*spec.InstanceConcurrency),
	}
}

// Function returns the function of that name, nil when there is none.
func (r *Runtime) Function(name string) *Function { return r.functions[name] }

// StopStarting fails the starts of processes that are under way.
func (r *Runtime) StopStarting() { r.stop() }

// Kill ends all instances at once and refuses further requests.
func (r *Runtime) Kill() {
	for _, f := range r.functions {
		f.kill()
	}
}

// Close stops all instances of all functions side by side: pre-stop, SIGTERM, and SIGKILL when that does not
// help. Calls that come later are refused.
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

// NewRequestID returns an id in the form of the platform's.
func NewRequestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return "1-" + hex.EncodeToString(id[:4]) + "-" + hex.EncodeToString(id[4:])
}

// values copies maps over one another.
func values(layers ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, layer := range layers {
		maps.Copy(all, layer)
	}
	return all
}
