// Package platform is Function Compute on one machine: it runs the functions of a production s.yaml
// as processes and calls them as the platform does, through event streams, timers, HTTP triggers and
// the API.
//
// It writes the wire from the platform's documents and imports nothing of the functions' side, so
// that a mistake there shows here.
package platform

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/manifest"
)

// Credentials are what functions and callers sign with.
type Credentials struct{ AccessKeyID, AccessKeySecret, SecurityToken string }

// Config says what is run and how it reaches the services.
type Config struct {
	Manifest *manifest.Manifest
	// Overlay is laid over every function's declared environment.
	Overlay           map[string]string
	Region, AccountID string
	Credentials       Credentials
	KafkaBrokers      []string
	KafkaOptions      []kgo.Opt // SASL and TLS, where the brokers want them
	// HTTPAddr serves the HTTP triggers, APIAddr the API; port 0 takes a free one.
	HTTPAddr, APIAddr string
	// AnonymousHTTP serves triggers of authType function without a signature.
	AnonymousHTTP bool
	LogDir        string    // one file a function
	Verbose       io.Writer // gets the functions' log lines too; nil: nobody
	Logger        *slog.Logger
	// TimeScale divides the waits of retries: 60 makes a minute a second. 0 means 1.
	TimeScale float64
}

// Platform is a running platform.
type Platform struct {
	cfg       Config
	functions map[string]*function
	starter   *starter
	streams   []*stream
	http, api *http.Server
	httpAddr  string
	apiAddr   string
	cancel    context.CancelFunc
	ctx       context.Context

	mu         sync.Mutex
	closed     bool
	background sync.WaitGroup // timers and asynchronous invocations
}

// drainTime is how long a stopping platform lets running pushes and asynchronous invocations end.
const drainTime = 30 * time.Second

// Start listens and makes the functions ready to be called; their processes start when they are.
// Event streams and timers begin with StartStreams.
func Start(_ context.Context, cfg Config) (*Platform, error) {
	if cfg.TimeScale == 0 {
		cfg.TimeScale = 1
	}
	if err := cfg.Manifest.CheckEnvironment(cfg.Overlay); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.LogDir, 0o755); err != nil {
		return nil, fmt.Errorf("make the log directory: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &Platform{cfg: cfg, functions: map[string]*function{}, starter: newStarter(), ctx: ctx, cancel: cancel}
	for i := range cfg.Manifest.Functions {
		f := &cfg.Manifest.Functions[i]
		p.functions[f.Name] = newFunction(p, f)
	}
	var err error
	if p.http, p.httpAddr, err = serve(cfg.HTTPAddr, http.HandlerFunc(p.serveTrigger)); err != nil {
		return nil, errors.Join(fmt.Errorf("serve the HTTP triggers: %w", err), p.Close(ctx))
	}
	if p.api, p.apiAddr, err = serve(cfg.APIAddr, http.HandlerFunc(p.serveAPI)); err != nil {
		return nil, errors.Join(fmt.Errorf("serve the API: %w", err), p.Close(ctx))
	}
	return p, nil
}

func serve(addr string, handler http.Handler) (*http.Server, string, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends with Close
	return server, listener.Addr().String(), nil
}

// HTTPAddr and APIAddr are where clients connect to.
func (p *Platform) HTTPAddr() string { return p.httpAddr }

// APIAddr is where the API is served.
func (p *Platform) APIAddr() string { return p.apiAddr }

// StartStreams begins the event streams and the timers.
func (p *Platform) StartStreams() {
	for i := range p.cfg.Manifest.Functions {
		f := &p.cfg.Manifest.Functions[i]
		for _, declared := range f.Streams {
			if declared.Enabled {
				p.streams = append(p.streams, startStream(p, p.functions[f.Name], declared))
			}
		}
		for _, timer := range f.Timers {
			if timer.Enabled {
				p.goBackground(func() { p.runTimer(p.ctx, f.Name, timer) })
			}
		}
	}
}

// Invoke calls a function synchronously with one event.
func (p *Platform) Invoke(ctx context.Context, name string, event []byte) ([]byte, error) {
	f, ok := p.functions[name]
	if !ok {
		return nil, fmt.Errorf("there is no function %s in %s", name, p.cfg.Manifest.Path)
	}
	return f.invoke(ctx, event)
}

// RunTimer calls a function with the event of its first timer, now.
func (p *Platform) RunTimer(ctx context.Context, name string) ([]byte, error) {
	f, ok := p.functions[name]
	if !ok || len(f.manifest.Timers) == 0 {
		return nil, fmt.Errorf("there is no function %s with a timer in %s", name, p.cfg.Manifest.Path)
	}
	return f.invoke(ctx, timerEvent(f.manifest.Timers[0], time.Now()))
}

// RetryNow ends the waits of all retries.
func (p *Platform) RetryNow() {
	for _, s := range p.streams {
		s.retryNow()
	}
}

// Status is a picture of the platform.
type Status struct {
	Functions []FunctionStatus
	Streams   []StreamStatus
}

// FunctionStatus counts since the platform started.
type FunctionStatus struct {
	Name                string
	Instances           int
	Invocations, Errors int64
}

// StreamStatus is the state of one event stream.
type StreamStatus struct {
	Function, Topic, Group string
	Lag                    int64 // sum of high watermark - committed offset over the partitions
	InFlight, Waiting      int   // pushes under way, and those among them that wait for a retry
	DeadLettered           int64 // events
	LastError              string
}

// Status is cheap: it asks nobody.
func (p *Platform) Status() Status {
	var status Status
	for i := range p.cfg.Manifest.Functions {
		status.Functions = append(status.Functions, p.functions[p.cfg.Manifest.Functions[i].Name].status())
	}
	for _, s := range p.streams {
		status.Streams = append(status.Streams, s.status())
	}
	return status
}

// WaitCommitted returns once the committed offsets of the stream on topic have reached these.
func (p *Platform) WaitCommitted(ctx context.Context, topic string, offsets map[int]int64) error {
	for _, s := range p.streams {
		if s.declared.Topic == topic {
			return s.waitCommitted(ctx, offsets)
		}
	}
	return fmt.Errorf("there is no event stream on topic %s", topic)
}

// goBackground runs what Close waits for; false means that the platform is closing.
func (p *Platform) goBackground(run func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.background.Go(run)
	return true
}

// Close ends the servers and the streams, lets running pushes finish for up to 30 s or until ctx ends,
// commits what they brought, and stops the function processes. A push that waits for a retry, and one
// that overruns this time, stays uncommitted. Every call but the first does nothing.
func (p *Platform) Close(ctx context.Context) error {
	p.mu.Lock()
	again := p.closed
	p.closed = true
	p.mu.Unlock()
	if again {
		return nil
	}
	p.cancel()
	var problems []error
	for _, server := range []*http.Server{p.http, p.api} {
		if server != nil {
			problems = append(problems, server.Close())
		}
	}
	p.drain(ctx)
	for _, s := range p.streams {
		problems = append(problems, s.leave())
	}
	var stopping sync.WaitGroup
	ended := make(chan error, len(p.functions))
	for _, f := range p.functions {
		stopping.Go(func() { ended <- f.close(ctx) })
	}
	stopping.Wait()
	close(ended)
	for err := range ended {
		problems = append(problems, err)
	}
	p.starter.close()
	return errors.Join(problems...)
}

// drain returns when nothing is under way any more; what overruns is cut off by killing its instance.
func (p *Platform) drain(ctx context.Context) {
	for _, s := range p.streams {
		s.stop()
	}
	ended := make(chan struct{})
	go func() {
		for _, s := range p.streams {
			s.ended.Wait()
		}
		p.background.Wait()
		close(ended)
	}()
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	for _, f := range p.functions {
		f.kill()
	}
	<-ended
}

func newRequestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return "1-" + hex.EncodeToString(id[:4]) + "-" + hex.EncodeToString(id[4:])
}

// timerEvent is the event of a time trigger. Source: "Event formats", time trigger.
func timerEvent(t manifest.Timer, at time.Time) []byte {
	event, _ := json.Marshal(struct { // three strings always marshal
		TriggerTime string `json:"triggerTime"`
		TriggerName string `json:"triggerName"`
		Payload     string `json:"payload"`
	}{at.UTC().Format(time.RFC3339), t.Name, t.Payload})
	return event
}
