package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"feedstream/local/platform/manifest"
)

// defaultInstances bounds the instances of a function without reserved concurrency.
const defaultInstances = 3

// Function is one function and its instances.
type Function struct {
	spec     *manifest.Function
	launcher launcher
	headers  map[string]string
	logs     *logFile
	logger   *slog.Logger
	slots    chan struct{} // one token for each request that all instances together may serve

	mu        sync.Mutex
	instances []*instance
	closed    bool

	invocations, failures atomic.Int64
}

// Status counts since the runtime began.
type Status struct {
	Name                string
	Instances           int
	Invocations, Errors int64
}

// Declared is the function as its manifest has it.
func (f *Function) Declared() *manifest.Function { return f.spec }

// Status is cheap: it asks nobody.
func (f *Function) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Status{Name: f.spec.Name, Instances: len(f.instances), Invocations: f.invocations.Load(), Errors: f.failures.Load()}
}

// acquire returns an instance with room for one more request, starting one if need be.
func (f *Function) acquire(ctx context.Context) (*instance, error) {
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for an instance of %s: %w", f.spec.Name, ctx.Err())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		<-f.slots
		return nil, fmt.Errorf("%s: the platform is stopping", f.spec.Name)
	}
	for _, i := range f.instances {
		if i.running < f.spec.InstanceConcurrency {
			i.running++
			return i, nil
		}
	}
	i := newInstance(f)
	i.running = 1
	f.instances = append(f.instances, i)
	return i, nil
}

func (f *Function) release(i *instance) {
	f.mu.Lock()
	i.running--
	f.mu.Unlock()
	<-f.slots
}

// drop forgets an instance whose process has ended.
func (f *Function) drop(gone *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.instances = slices.DeleteFunc(f.instances, func(i *instance) bool { return i == gone })
}

// Error is an answer by which a function reports a failed invocation.
type Error struct {
	Function string
	Status   int
	Body     []byte
}

// Error gives the status and what the function said.
func (e *Error) Error() string {
	return fmt.Sprintf("%s answered %d: %s", e.Function, e.Status, bytes.TrimSpace(e.Body))
}

// failure is nil when an answer reports success. Any status that is not 2xx fails it, and the header
// x-fc-status: 404 does whatever the status: the platform's texts name the one or the other.
func (f *Function) failure(response *http.Response, body []byte) error {
	if response.StatusCode/100 == 2 && response.Header.Get("x-fc-status") != "404" {
		return nil
	}
	return &Error{Function: f.spec.Name, Status: response.StatusCode, Body: body}
}

// Invoke sends one event and returns the answer. A failure that the function itself reports is an *Error.
func (f *Function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	request := func(ctx context.Context, base string) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodPost, base+"/invoke", bytes.NewReader(event))
	}
	var answer []byte
	err := f.Call(ctx, "/invoke", request, func(response *http.Response) error {
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return fmt.Errorf("read the answer of %s: %w", f.spec.Name, err)
		}
		answer = body
		return f.failure(response, body)
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// Call runs one request on an instance, within the function's timeout: build makes it for the base URL of
// the instance, use reads the answer. An instance that overruns the timeout is killed, as the platform does.
func (f *Function) Call(ctx context.Context, controlPath string,
	build func(ctx context.Context, base string) (*http.Request, error), use func(*http.Response) error) error {
	f.invocations.Add(1)
	err := f.call(ctx, controlPath, build, use)
	var tooLarge *http.MaxBytesError // the caller's fault
	if err != nil && !errors.As(err, &tooLarge) {
		f.failures.Add(1)
	}
	return err
}

func (f *Function) call(ctx context.Context, controlPath string,
	build func(ctx context.Context, base string) (*http.Request, error), use func(*http.Response) error) error {
	i, err := f.acquire(ctx)
	if err != nil {
		return err
	}
	defer f.release(i)
	if err := i.ready(ctx); err != nil {
		return err
	}
	// A push that has begun is not cut off when the platform stops: it has its own timeout.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.spec.Timeout)
	defer cancel()
	request, err := build(ctx, i.process.base)
	if err != nil {
		return fmt.Errorf("call %s: %w", f.spec.Name, err)
	}
	f.setHeaders(request.Header, controlPath)
	response, err := i.client.Do(request)
	if err == nil {
		defer response.Body.Close()
		err = use(response)
	}
	if ctx.Err() != nil {
		i.process.kill()
		return fmt.Errorf("%s ran into its timeout of %s and its instance was killed", f.spec.Name, f.spec.Timeout)
	}
	return err
}

// setHeaders gives a request what the platform tells every invocation.
func (f *Function) setHeaders(h http.Header, controlPath string) {
	for name, value := range f.headers {
		h.Set(name, value)
	}
	h.Set("x-fc-request-id", NewRequestID())
	h.Set("x-fc-control-path", controlPath)
}

// close stops all instances side by side.
func (f *Function) close(ctx context.Context) error {
	var stopping sync.WaitGroup
	for _, i := range f.refuse() {
		stopping.Go(func() { i.stop(ctx) })
	}
	stopping.Wait()
	return f.logs.Close()
}

// kill ends all instances at once.
func (f *Function) kill() {
	for _, i := range f.refuse() {
		i.kill()
	}
}

// refuse lets nobody have an instance any more, and returns those that there are.
func (f *Function) refuse() []*instance {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return slices.Clone(f.instances)
}
