package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// instance is one process of a function.
type instance struct {
	function *Function
	running  int // requests; guarded by the function's mutex
	client   *http.Client

	mu          sync.Mutex // held while starting
	process     *process   // nil before the first request
	initialized bool
	stopped     bool
}

func newInstance(f *Function) *instance {
	return &instance{function: f, client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: f.spec.InstanceConcurrency},
		// A redirect is the caller's to follow.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ready starts the process and initialises it, once; a failure is tried again by the next request.
func (i *instance) ready(ctx context.Context) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	name := i.function.spec.Name
	if i.stopped {
		return fmt.Errorf("%s: the platform is stopping", name)
	}
	if i.process == nil {
		started, err := i.function.launcher.launch(func() { i.function.drop(i) })
		if err != nil {
			i.function.drop(i)
			return fmt.Errorf("start an instance of %s: %w", name, err)
		}
		i.process = started
	}
	initializer := i.function.spec.Initializer
	if i.initialized || initializer == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, initializer.Timeout)
	defer cancel()
	if err := i.hook(ctx, http.MethodPost, "/initialize", initializer.Timeout); err != nil {
		return fmt.Errorf("initialise an instance of %s: %w", name, err)
	}
	i.initialized = true
	return nil
}

// hook calls a lifecycle hook.
func (i *instance) hook(ctx context.Context, method, path string, timeout time.Duration) error {
	request, err := http.NewRequestWithContext(ctx, method, i.process.base+path, nil)
	if err != nil {
		return err
	}
	i.function.setHeaders(request.Header, path)
	request.Header.Set("x-fc-initialization-timeout", strconv.Itoa(int(timeout/time.Second)))
	request.Header.Set("x-fc-function-timeout", strconv.Itoa(int(timeout/time.Second)))
	response, err := i.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	return i.function.failure(response, body)
}

// kill ends the process at once, if there is one.
func (i *instance) kill() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.process != nil {
		i.process.kill()
	}
}

// stop lets the function release what it holds before its process ends. A request that has the instance and
// has not started it yet is refused.
func (i *instance) stop(ctx context.Context) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stopped = true
	if i.process == nil {
		return
	}
	if hook := i.function.spec.PreStop; hook != nil {
		hookCtx, cancel := context.WithTimeout(ctx, hook.Timeout)
		defer cancel()
		if err := i.hook(hookCtx, http.MethodGet, "/pre-stop", hook.Timeout); err != nil && !errors.Is(err, io.EOF) {
			i.function.logger.Warn("pre-stop failed", "error", err)
		}
	}
	i.process.terminate()
}
