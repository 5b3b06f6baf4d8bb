// Package platform is Function Compute on one machine: it runs the functions of a production s.yaml
// as processes and calls them as the platform does, through event streams, timers, HTTP triggers and
// the API.
//
// It writes the wire from the platform's documents and imports nothing of the functions' side, so
// that a mistake there shows here.
package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/hostcheck"
	"feedstream/local/platform/manifest"
	"feedstream/local/platform/runtime"
	"feedstream/local/platform/stream"
	"feedstream/local/services/patient"
)

// Credentials are what functions and callers sign with.
type Credentials = runtime.Credentials

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
	// InstanceFault and PushFault are asked for each request of a function and each push of a stream; nil:
	// nothing goes wrong.
	InstanceFault func(function string) runtime.Fault
	PushFault     func() stream.Fault
}

// Platform is a running platform.
type Platform struct {
	cfg       Config
	runtime   *runtime.Runtime
	streams   []*stream.Stream
	http, api *http.Server
	httpAddr  string
	apiAddr   string
	cancel    context.CancelFunc
	ctx       context.Context

	mu         sync.Mutex
	closed     bool
	background sync.WaitGroup // timers and asynchronous invocations
	waiting    waiting
}

// drainTime is how long a stopping platform lets running pushes and asynchronous invocations end.
const drainTime = 30 * time.Second

// Start listens and makes the functions ready to be called; their processes start when they are.
// Event streams and timers begin with StartStreams.
func Start(cfg Config) (*Platform, error) {
	if cfg.TimeScale == 0 {
		cfg.TimeScale = 1
	}
	if err := cfg.Manifest.CheckEnvironment(cfg.Overlay); err != nil {
		return nil, err
	}
	functions, err := runtime.New(runtime.Config{
		Overlay: cfg.Overlay, Region: cfg.Region, AccountID: cfg.AccountID, Credentials: cfg.Credentials,
		LogDir: cfg.LogDir, Verbose: cfg.Verbose, Logger: cfg.Logger, Fault: cfg.InstanceFault,
	}, cfg.Manifest.Functions)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &Platform{cfg: cfg, runtime: functions, ctx: ctx, cancel: cancel}
	if p.http, p.httpAddr, err = serve(cfg.HTTPAddr, http.HandlerFunc(p.serveTrigger), cfg.Logger); err != nil {
		return nil, errors.Join(fmt.Errorf("serve the HTTP triggers: %w", err), p.Close(ctx))
	}
	if p.api, p.apiAddr, err = serve(cfg.APIAddr, http.HandlerFunc(p.serveAPI), cfg.Logger); err != nil {
		return nil, errors.Join(fmt.Errorf("serve the API: %w", err), p.Close(ctx))
	}
	return p, nil
}

func serve(addr string, handler http.Handler, logger *slog.Logger) (*http.Server, string, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, "", err
	}
	const maxHeaders = 64 << 10 // what a handler is to judge
	sameSite := http.NewCrossOriginProtection()
	sameSite.SetDenyHandler(http.HandlerFunc(refuseOtherSite))
	server := &http.Server{Handler: hostcheck.Handler(sameSite.Handler(handler)), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: maxHeaders}
	go func() { _ = server.Serve(patient.Wrap(listener, logger)) }() // ends with Close
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
				p.streams = append(p.streams, p.startStream(f, declared))
			}
		}
		for _, timer := range f.Timers {
			if timer.Enabled {
				p.goBackground(func() { p.runTimer(p.ctx, f.Name, timer) })
			}
		}
	}
}

func (p *Platform) startStream(f *manifest.Function, declared manifest.Stream) *stream.Stream {
	function := p.runtime.Function(f.Name)
	return stream.Start(stream.Config{
		Brokers: p.cfg.KafkaBrokers, Options: p.cfg.KafkaOptions, Account: p.cfg.AccountID,
		TimeScale: p.cfg.TimeScale, Logger: p.cfg.Logger, Function: f.Name, Fault: p.cfg.PushFault,
		Invoke: func(ctx context.Context, body []byte) error {
			_, err := function.Invoke(ctx, body)
			return err
		},
	}, declared)
}

// Invoke calls a function synchronously with one event.
func (p *Platform) Invoke(ctx context.Context, name string, event []byte) ([]byte, error) {
	f := p.runtime.Function(name)
	if f == nil {
		return nil, fmt.Errorf("there is no function %s in %s", name, p.cfg.Manifest.Path)
	}
	return f.Invoke(ctx, event)
}

// RunTimer calls a function with the event of its first timer, now.
func (p *Platform) RunTimer(ctx context.Context, name string) ([]byte, error) {
	f := p.runtime.Function(name)
	if f == nil || len(f.Manifest().Timers) == 0 {
		return nil, fmt.Errorf("there is no function %s with a timer in %s", name, p.cfg.Manifest.Path)
	}
	return f.Invoke(ctx, timerEvent(f.Manifest().Timers[0], time.Now()))
}

// Invocations are the last of all functions by name, the newest of each first.
func (p *Platform) Invocations() map[string][]runtime.Invocation {
	all := map[string][]runtime.Invocation{}
	for i := range p.cfg.Manifest.Functions {
		name := p.cfg.Manifest.Functions[i].Name
		all[name] = p.runtime.Function(name).Invocations()
	}
	return all
}

// RetryNow ends the waits of all retries, and returns how many there were.
func (p *Platform) RetryNow() (pushes int) {
	for _, s := range p.streams {
		pushes += s.RetryNow()
	}
	return pushes
}

// GiveUp gives all pushes up that wait for a retry, and returns how many: see stream.Stream.
func (p *Platform) GiveUp() (pushes int, err error) {
	for _, s := range p.streams {
		n, refused := s.GiveUp()
		pushes, err = pushes+n, errors.Join(err, refused)
	}
	return pushes, err
}

// Status is a picture of the platform.
type Status struct {
	Functions []runtime.Status
	Streams   []stream.Status
}

// Status is cheap: it asks nobody.
func (p *Platform) Status() Status {
	var status Status
	for i := range p.cfg.Manifest.Functions {
		status.Functions = append(status.Functions, p.runtime.Function(p.cfg.Manifest.Functions[i].Name).Status())
	}
	for _, s := range p.streams {
		status.Streams = append(status.Streams, s.Status())
	}
	return status
}

// WaitCommitted returns once the committed offsets of the stream on topic have reached these.
func (p *Platform) WaitCommitted(ctx context.Context, topic string, offsets map[int]int64) error {
	for _, s := range p.streams {
		if s.Status().Topic == topic {
			return s.WaitCommitted(ctx, offsets)
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
	p.runtime.Stop()
	var problems []error
	for _, server := range []*http.Server{p.http, p.api} {
		if server != nil {
			problems = append(problems, server.Close())
		}
	}
	p.drain(ctx)
	for _, s := range p.streams {
		problems = append(problems, s.Leave())
	}
	problems = append(problems, p.runtime.Close(ctx))
	return errors.Join(problems...)
}

// drain returns when nothing is under way any more; what overruns is cut off by killing its instance.
func (p *Platform) drain(ctx context.Context) {
	for _, s := range p.streams {
		s.Stop()
	}
	ended := make(chan struct{})
	go func() {
		for _, s := range p.streams {
			s.Wait()
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
	p.runtime.Kill()
	<-ended
}
