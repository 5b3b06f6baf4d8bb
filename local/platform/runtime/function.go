package runtime

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"feedstream/local/platform/manifest"
	"feedstream/local/process"
)

// defaultInstances bounds the instances of a function without reserved concurrency.
const defaultInstances = 3

// Function is one function and its instances.
type Function struct {
	cfg      *Config
	manifest *manifest.Function
	starter  *starter
	stopping context.Context // ended when the runtime stops
	logs     *logFile
	slots    chan struct{} // one token for each request that all instances together may serve

	mu        sync.Mutex
	instances []*instance
	closed    bool

	ended process.Usage // of the instances that are no more

	invocations, errors atomic.Int64
	calls               calls
	busy                time.Duration // of instances that have no request now
}

func (r *Runtime) newFunction(m *manifest.Function) *Function {
	limit := m.ReservedConcurrency
	if limit == 0 {
		limit = defaultInstances
	}
	path := filepath.Join(r.cfg.LogDir, m.Name+".log")
	return &Function{
		cfg: &r.cfg, manifest: m, starter: r.starter, stopping: r.stopping,
		logs:  &logFile{path: path, prefix: m.Name, also: r.cfg.Verbose, limit: maxLogBytes},
		slots: make(chan struct{}, limit*m.InstanceConcurrency),
	}
}

// Manifest is how the function was declared.
func (f *Function) Manifest() *manifest.Function { return f.manifest }

// Status counts since the runtime began.
func (f *Function) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	used := f.ended
	for _, i := range f.instances {
		used = used.Add(i.used())
	}
	return Status{
		Name: f.manifest.Name, Instances: len(f.instances), Invocations: f.invocations.Load(), Errors: f.errors.Load(), Used: used,
		MemoryMB: f.manifest.MemoryMB, CPU: f.manifest.CPU, Busy: f.busyTime(),
	}
}

// acquire returns an instance with room for one more request, starting one if need be.
func (f *Function) acquire(ctx context.Context) (*instance, error) {
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for an instance of %s: %w", f.manifest.Name, ctx.Err())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		<-f.slots
		return nil, fmt.Errorf("call %s: %w", f.manifest.Name, errStopping)
	}
	for _, i := range f.instances {
		if i.running < f.manifest.InstanceConcurrency {
			i.begin()
			return i, nil
		}
	}
	i := newInstance(f)
	i.begin()
	f.instances = append(f.instances, i)
	return i, nil
}

func (f *Function) release(i *instance) {
	f.mu.Lock()
	f.busy += i.finish()
	f.mu.Unlock()
	<-f.slots
}

// drop forgets an instance whose process has ended.
func (f *Function) drop(gone *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for n, i := range f.instances {
		if i == gone {
			f.ended = f.ended.Add(i.used())
			f.instances = append(f.instances[:n], f.instances[n+1:]...)
			return
		}
	}
}

// FunctionError is an answer by which a function reports a failed invocation.
type FunctionError struct {
	Function string
	Status   int
	Body     []byte
}

func (e *FunctionError) Error() string {
	return fmt.Sprintf("%s answered %d: %s", e.Function, e.Status, bytes.TrimSpace(e.Body))
}

// failure is nil when an answer reports success. Any status that is not 2xx fails it, and the header
// x-fc-status: 404 does whatever the status: the platform's texts name the one or the other.
func (f *Function) failure(response *http.Response, body []byte) error {
	if response.StatusCode/100 == 2 && response.Header.Get("x-fc-status") != "404" {
		return nil
	}
	return &FunctionError{Function: f.manifest.Name, Status: response.StatusCode, Body: body}
}

// Invoke sends one event and returns the answer; a failure that the function reports is a *FunctionError.
func (f *Function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	answer, _, err := f.InvokeLogged(ctx, NewRequestID(), event)
	return answer, err
}

// InvokeLogged is Invoke under a request id of the caller's, who may ask for the end of what the instance printed
// meanwhile: 4 KB at most, nothing when no instance was reached.
func (f *Function) InvokeLogged(ctx context.Context, id string, event []byte) (answer []byte, printed func() []byte, err error) {
	f.invocations.Add(1)
	request := func(ctx context.Context, base string) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodPost, base+"/invoke", bytes.NewReader(event))
	}
	call := newCall("/invoke", event)
	call.ID = id
	err = f.run(ctx, call, request, func(response *http.Response) error {
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return fmt.Errorf("read the answer of %s: %w", f.manifest.Name, err)
		}
		answer = body
		call.answered(body)
		return f.failure(response, body)
	})
	printed, call.printed = call.printed, nil // what is kept of the call does not keep its instance
	if err != nil {
		f.errors.Add(1)
		return nil, printed, err
	}
	return answer, printed, nil
}

// Call counts one request of an HTTP trigger and runs it on an instance: build makes the request for the
// instance at base, use reads the answer. Whether it failed is the caller's to judge, and to count with Failed.
func (f *Function) Call(ctx context.Context, controlPath string,
	build func(ctx context.Context, base string) (*http.Request, error), use func(*http.Response) error) error {
	f.invocations.Add(1)
	call := newCall(controlPath, nil)
	err := f.run(ctx, call, build, use)
	call.printed = nil // nobody asks
	return err
}

// Failed counts a request of Call as failed.
func (f *Function) Failed() { f.errors.Add(1) }

// run runs one request on an instance, within the function's timeout. An instance that overruns it
// is killed, as the platform does.
func (f *Function) run(ctx context.Context, call *call,
	build func(ctx context.Context, base string) (*http.Request, error), use func(*http.Response) error) (err error) {
	defer func() { f.calls.end(call, err) }()
	i, err := f.acquire(ctx)
	if err != nil {
		return err
	}
	defer f.release(i)
	cold, err := i.ready(ctx)
	if err != nil {
		return err
	}
	f.calls.begin(call, i.name, cold)
	call.printed = i.printed.from(call.ID)
	fault := f.fault()
	limit := fault.limit(f.manifest.Timeout)
	// A push that has begun is not cut off when the platform stops: it has its own timeout.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	request, err := build(ctx, i.base)
	if err != nil {
		return fmt.Errorf("call %s: %w", f.manifest.Name, err)
	}
	f.setHeaders(request.Header, call.Path, call.ID)
	fault.meet(i)
	response, err := i.client.Do(request)
	if err == nil {
		defer response.Body.Close()
		if fault.lose(i) {
			return fmt.Errorf("call %s: %w", f.manifest.Name, errLost)
		}
		err = use(response)
	}
	if ctx.Err() != nil {
		i.kill()
		return fmt.Errorf("%s ran into its timeout of %s and its instance was killed", f.manifest.Name, limit)
	}
	return err
}

// setHeaders gives a request what the platform tells every invocation. Source: "Custom runtimes",
// common request headers.
func (f *Function) setHeaders(h http.Header, controlPath, requestID string) {
	c := f.cfg
	for name, value := range map[string]string{
		"x-fc-request-id": requestID, "x-fc-control-path": controlPath,
		"x-fc-access-key-id": c.Credentials.AccessKeyID, "x-fc-access-key-secret": c.Credentials.AccessKeySecret,
		"x-fc-security-token": c.Credentials.SecurityToken,
		"x-fc-function-name":  f.manifest.Name, "x-fc-function-handler": f.manifest.Handler,
		"x-fc-function-memory":  strconv.Itoa(f.manifest.MemoryMB),
		"x-fc-function-timeout": strconv.Itoa(int(f.manifest.Timeout / time.Second)),
		"x-fc-region":           c.Region, "x-fc-account-id": c.AccountID, "x-fc-qualifier": "LATEST",
	} {
		h.Set(name, value)
	}
}

// close stops all instances side by side.
func (f *Function) close(ctx context.Context) error {
	f.mu.Lock()
	f.closed = true
	instances := append([]*instance(nil), f.instances...)
	f.mu.Unlock()
	var stopping sync.WaitGroup
	for _, i := range instances {
		stopping.Go(func() { i.stop(ctx) })
	}
	stopping.Wait()
	return f.logs.Close()
}

// kill ends all instances at once and refuses further requests.
func (f *Function) kill() {
	f.mu.Lock()
	f.closed = true
	instances := append([]*instance(nil), f.instances...)
	f.mu.Unlock()
	for _, i := range instances {
		i.mu.Lock()
		if i.cmd != nil {
			i.kill()
		}
		i.mu.Unlock()
	}
}
