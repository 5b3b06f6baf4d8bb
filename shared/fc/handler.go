package fc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// handler routes the platform's requests to the function.
type handler struct {
	function Function
	fallback Credentials
	logger   *slog.Logger
	lines    io.Writer
	running  sync.WaitGroup // invocations and HTTP requests, not hooks
	served   atomic.Bool    // one of these has come

	// events bounds the bytes of the events in flight.
	events        *semaphore.Weighted
	eventsInBytes int64
}

// MemoryPerEventByte is what one byte of an event costs at the peak: its deliveries, records, rows
// with their cells and output messages live beside it until the push ends. That is about as much for a record in
// every form, so the smallest form decides: of a short update TestMemoryOfAPush in functions/enrich measures 5.0 as
// a CloudEvent of 489 bytes, and 11.7 as RawData of 179.
const MemoryPerEventByte = 12

func newHandler(cfg Config, f Function) *handler {
	bound := cfg.memory() / MemoryPerEventByte
	return &handler{
		function: f, fallback: cfg.Credentials, logger: cfg.Logger, lines: cfg.RequestLines,
		events: semaphore.NewWeighted(bound), eventsInBytes: bound,
	}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := controlPath(r)
	isHook := kind == "/initialize" || kind == "/pre-stop"
	ctx, cancel := requestContext(r, h.fallback, !isHook && !h.served.Swap(true))
	defer cancel()
	r = r.WithContext(ctx)
	switch kind {
	case "/initialize":
		h.hook(w, r, "Initialize", h.function.Initialize)
	case "/pre-stop":
		h.hook(w, r, "PreStop", h.preStop)
	case "/invoke":
		h.invoke(w, r)
	default:
		h.http(w, r)
	}
}

// controlPath returns the kind of a request: a control path, or "/http-invoke".
func controlPath(r *http.Request) string {
	if path := r.Header.Get("x-fc-control-path"); path != "" {
		return path
	}
	switch r.Method + " " + r.URL.Path {
	case "POST /initialize", "POST /invoke", "GET /pre-stop":
		return r.URL.Path
	}
	return "/http-invoke"
}

func (h *handler) hook(w http.ResponseWriter, r *http.Request, name string, run func(context.Context) error) {
	h.answer(w, r, name, func(ctx context.Context) ([]byte, error) {
		if run == nil {
			return nil, nil
		}
		return nil, run(ctx)
	})
}

// preStop waits for the running requests before it lets the function release what it holds.
func (h *handler) preStop(ctx context.Context) error {
	idle := make(chan struct{})
	go func() { h.running.Wait(); close(idle) }()
	select {
	case <-idle:
	case <-ctx.Done():
		return fmt.Errorf("wait for the running requests: %w", ctx.Err())
	}
	if h.function.PreStop == nil {
		return nil
	}
	return h.function.PreStop(ctx)
}

func (h *handler) invoke(w http.ResponseWriter, r *http.Request) {
	h.running.Add(1)
	defer h.running.Done()
	h.answer(w, r, "Invoke", func(ctx context.Context) ([]byte, error) {
		if h.function.Invoke == nil {
			return nil, errors.New("this function has no event handler: call it through its HTTP trigger")
		}
		event, release, err := h.readEvent(ctx, r)
		if err != nil {
			return nil, err
		}
		defer release()
		return h.function.Invoke(ctx, event)
	})
}

// readEvent reads the body once there is room for it among the events in flight. An event larger
// than all of the room runs alone.
func (h *handler) readEvent(ctx context.Context, r *http.Request) (event []byte, release func(), err error) {
	size := r.ContentLength
	if size < 0 {
		size = MaxEventBytes
	}
	if size > MaxEventBytes {
		return nil, nil, fmt.Errorf("the event has %d bytes, more than the %d of a synchronous invocation",
			size, MaxEventBytes)
	}
	weight := min(size, h.eventsInBytes)
	if err := h.events.Acquire(ctx, weight); err != nil {
		return nil, nil, fmt.Errorf("wait for memory for an event of %d bytes: %w", size, err)
	}
	release = func() { h.events.Release(weight) }
	if r.ContentLength >= 0 {
		event = make([]byte, r.ContentLength)
		_, err = io.ReadFull(r.Body, event)
	} else {
		event, err = io.ReadAll(http.MaxBytesReader(nil, r.Body, MaxEventBytes))
	}
	if err != nil {
		release()
		return nil, nil, fmt.Errorf("read the event: %w", err)
	}
	return event, release, nil
}

// answer runs one invocation or hook and writes its verdict. A failure answers 404 together with
// the header x-fc-status: 404: older texts of the platform name the pair, newer ones any status
// that is not 2xx, and this satisfies both.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, name string,
	run func(context.Context) ([]byte, error)) {
	ctx := r.Context()
	defer h.printRequest(name, RequestID(ctx))()
	began := time.Now()
	body, err := h.recovered(ctx, run)
	if err != nil {
		h.logger.ErrorContext(ctx, "failed", "request", name, "error", err, "duration", time.Since(began))
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("x-fc-status", "404")
		w.WriteHeader(http.StatusNotFound)
		_ = json.NewEncoder(w).Encode(struct {
			ErrorMessage string `json:"errorMessage"`
			ErrorType    string `json:"errorType"`
		}{err.Error(), fmt.Sprintf("%T", err)})
		return
	}
	if len(body) > 0 {
		w.Header().Set("Content-Type", "application/json")
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the platform has gone: it repeats the event, there is nobody to tell
}

func (h *handler) http(w http.ResponseWriter, r *http.Request) {
	if h.function.HTTP == nil {
		http.Error(w, fmt.Sprintf("%s %s: this function has no HTTP trigger", r.Method, r.URL.Path), http.StatusNotFound)
		return
	}
	h.running.Add(1)
	defer h.running.Done()
	defer h.printRequest("Invoke", RequestID(r.Context()))()
	a := &access{ResponseWriter: w, began: time.Now()}
	r = r.WithContext(context.WithValue(r.Context(), accessKey{}, a))
	defer func() {
		if p := recover(); p != nil {
			h.logPanic(r.Context(), p)
			http.Error(a, "internal error", http.StatusInternalServerError)
		}
		a.log(h.logger, r)
	}()
	h.function.HTTP.ServeHTTP(a, r)
}

// recovered turns a panic into the error of its own invocation; the instance and the other
// invocations go on.
func (h *handler) recovered(ctx context.Context, run func(context.Context) ([]byte, error)) (body []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			h.logPanic(ctx, p)
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return run(ctx)
}

func (h *handler) logPanic(ctx context.Context, value any) {
	h.logger.ErrorContext(ctx, "panic", "value", fmt.Sprint(value), "stack", string(debug.Stack()))
}

// printRequest writes the two lines by which the platform's log search finds a request's lines. In
// a custom runtime the function writes them itself.
func (h *handler) printRequest(name, requestID string) (end func()) {
	fmt.Fprintf(h.lines, "FC %s Start RequestId: %s\n", name, requestID)
	return func() { fmt.Fprintf(h.lines, "FC %s End RequestId: %s\n", name, requestID) }
}
