// Package console is the page of the running stack: it shows what happens, and does what the verbs do, by the same
// calls. Each page is one file here and one template in package page.
package console

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"

	"feedstream/local/console/announced"
	"feedstream/local/console/guard"
	"feedstream/local/console/live"
	"feedstream/local/console/page"
	"feedstream/local/platform/manifest"
	"feedstream/local/platform/runtime"
	"feedstream/local/target"
)

// Config is the stack that the console shows.
type Config struct {
	// Status is called once a second and for each request of the status: it must be cheap. It leaves the reference open.
	Status func() live.Status
	Faults faults
	// Platform runs the functions.
	Platform platform
	// Endpoints are where the functions are called.
	Endpoints target.Endpoints
	// Target is where the services are, Manifest what the functions are.
	Target   *target.Target
	Manifest *manifest.Manifest
	// Token lets in whoever asks from beyond this machine and knows it; empty: nobody from there.
	Token string
}

// platform is what runs the functions.
type platform interface {
	Invocations() map[string][]runtime.Invocation
	RunTimer(ctx context.Context, function string) ([]byte, error)
	RetryNow() (pushes int)
	GiveUp() (pushes int, err error)
}

// Console is the page of one stack.
type Console struct {
	cfg       Config
	reference *announced.Reference
	ring      *live.Ring
	handler   http.Handler
	ctx       context.Context // ends with Close
	stop      context.CancelFunc
	ended     sync.WaitGroup
	closing   sync.Mutex // no work begins while the console closes
}

// NewToken returns one that nobody guesses, for a console that listens beyond this machine.
func NewToken() string { return guard.NewToken() }

// New begins to follow the stack. The caller closes the console, before what Status asks.
func New(cfg Config) *Console {
	ctx, cancel := context.WithCancel(context.Background())
	c := &Console{
		cfg: cfg, ring: live.NewRing(), ctx: ctx, stop: cancel, reference: announced.New(cfg.Target, cfg.Manifest, cfg.Target.Names.Enrich),
	}
	c.reference.Refresh()
	c.ended.Go(func() { c.ring.Follow(ctx, c.Status) })
	mux := http.NewServeMux()
	mux.Handle("/api/faults", faultsHandler(cfg.Faults))
	mux.HandleFunc("GET /api/status", func(w http.ResponseWriter, r *http.Request) {
		status := c.Status()
		if !guard.Admitted(cfg.Token, r) {
			status = status.Counters()
		}
		answerJSON(w, status)
	})
	mux.HandleFunc("POST /api/retry", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, Waited{cfg.Platform.RetryNow()})
	})
	mux.HandleFunc("POST /api/give-up", func(w http.ResponseWriter, _ *http.Request) {
		pushes, err := cfg.Platform.GiveUp()
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		answerJSON(w, Waited{pushes})
	})
	mux.Handle("GET /assets/", page.Assets())
	for _, routes := range []func(*http.ServeMux){
		c.overview, c.invocations, c.record, c.table, c.aside, c.versions, c.machinery, c.try,
	} {
		routes(mux)
	}
	c.handler = guard.Handler(cfg.Token, mux)
	return c
}

// ServeHTTP serves the pages and the API to whom package guard lets in.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.handler.ServeHTTP(w, r) }

// Entrance is what to add to the console's address so that it lets in from beyond this machine; empty when it
// listens here only.
func (c *Console) Entrance() string {
	if c.cfg.Token == "" {
		return ""
	}
	return "/?token=" + url.QueryEscape(c.cfg.Token)
}

// Status is a picture of the stack now.
func (c *Console) Status() live.Status {
	status := c.cfg.Status()
	status.Reference = c.reference.Current()
	return status
}

// Close stops following the stack.
func (c *Console) Close() {
	c.closing.Lock()
	c.stop()
	c.closing.Unlock()
	c.ended.Wait()
}

// begin has work go on beside whoever asks for it, until Close at the latest. It does not begin once the console closes.
func (c *Console) begin(work func()) bool {
	c.closing.Lock()
	defer c.closing.Unlock()
	if c.ctx.Err() != nil {
		return false
	}
	c.ended.Go(work)
	return true
}

func answerJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(value) // the reader has gone: there is nobody to tell
}
