package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"feedstream/local/process"
)

const (
	startTimeout = 120 * time.Second // the platform's own
	stopTimeout  = 10 * time.Second
)

// errStopping refuses what would start a process that nobody stops.
var errStopping = errors.New("the platform is stopping")

// instance is one process of a function.
type instance struct {
	function *Function
	name     string
	running  int       // requests; guarded by the function's mutex, and so is since
	since    time.Time // when the first of them began
	client   *http.Client
	printed  *tail

	mu          sync.Mutex // held while starting
	cmd         *exec.Cmd
	base        string
	initialized bool
	refused     error // why it is not started any more
	exited      chan struct{}
	exit        error // why the process ended; read after exited is closed

	pid  atomic.Int64 // 0 until the process runs
	peak atomic.Int64 // bytes, the most of its memory that was seen
	end  atomic.Pointer[process.Usage]
}

func newInstance(f *Function) *instance {
	return &instance{function: f, name: NewRequestID(), printed: &tail{to: &lines{to: f.logs, each: f.calls.line}}, client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: f.manifest.InstanceConcurrency},
		// A redirect is the caller's to follow.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ready starts the process and initialises it, once. One that did not start is forgotten: the next request
// tries another instance. A failed initialisation is tried again. cold says that this call started it.
func (i *instance) ready(ctx context.Context) (cold bool, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.cmd == nil && i.refused == nil {
		cold = true
		if i.refused = i.start(); i.refused != nil {
			i.function.drop(i)
		}
	}
	if i.refused != nil {
		return cold, fmt.Errorf("start an instance of %s: %w", i.function.manifest.Name, i.refused)
	}
	if i.initialized || i.function.manifest.Initializer == nil {
		return cold, nil
	}
	ctx, cancel := context.WithTimeout(ctx, i.function.manifest.Initializer.Timeout)
	defer cancel()
	if err := i.hook(ctx, http.MethodPost, "/initialize", i.function.manifest.Initializer.Timeout); err != nil {
		return cold, fmt.Errorf("initialise an instance of %s: %w", i.function.manifest.Name, err)
	}
	i.initialized = true
	return cold, nil
}

// start runs the process and waits until its port answers.
func (i *instance) start() error {
	port, err := freePort()
	if err != nil {
		return err
	}
	m := i.function.manifest
	cmd := exec.Command(m.Command[0], m.Command[1:]...)
	cmd.Dir = m.CodeDir
	cmd.Env = i.environment(port)
	cmd.Stdout, cmd.Stderr = i.printed, i.printed // one writer: the process gets one pipe, lines keep their order
	if err := i.function.starter.start(cmd); err != nil {
		return err
	}
	i.cmd, i.base, i.exited = cmd, "http://127.0.0.1:"+strconv.Itoa(port), make(chan struct{})
	i.pid.Store(int64(cmd.Process.Pid))
	go func() {
		i.exit = cmd.Wait()
		used := process.Ended(cmd.ProcessState)
		i.end.Store(&used)
		i.function.drop(i) // before anybody who waited for the end asks for an instance again
		close(i.exited)
	}()
	deadline := time.Now().Add(startTimeout)
	for {
		conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			return conn.Close()
		}
		select {
		case <-i.exited:
			return fmt.Errorf("the process ended before its port answered (%v); it printed: %s", i.exit, i.printed.text())
		case <-i.function.stopping.Done():
			i.kill()
			return errStopping
		case <-time.After(2 * time.Millisecond): // a listening port announces itself to nobody
		}
		if time.Now().After(deadline) {
			i.kill()
			return fmt.Errorf("its port did not answer within %s", startTimeout)
		}
	}
}

// used is what the process has used so far; while it is ending the time may be nothing, and the peak is the highest that
// was seen. It waits for nothing. The caller holds the function's mutex.
func (i *instance) used() process.Usage {
	if end := i.end.Load(); end != nil {
		return process.Usage{CPU: end.CPU, PeakMemory: i.peak.Load()}
	}
	pid := i.pid.Load()
	if pid == 0 {
		return process.Usage{}
	}
	used, err := process.Running(int(pid))
	if err != nil { // on other systems than Linux the time is known when it has ended
		used = process.Usage{}
	}
	used.PeakMemory = max(used.PeakMemory, i.peak.Load()) // a process that is ending has no memory any more
	i.peak.Store(used.PeakMemory)
	return used
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// environment is the declared one, the overlay, and what the platform itself sets.
func (i *instance) environment(port int) []string {
	c, m := i.function.cfg, i.function.manifest
	values := map[string]string{}
	for name, value := range m.Environment {
		values[name] = value
	}
	for name, value := range c.Overlay {
		values[name] = value
	}
	for name, value := range map[string]string{
		"FC_FUNCTION_NAME": m.Name, "FC_FUNCTION_HANDLER": m.Handler, "FC_FUNCTION_MEMORY_SIZE": strconv.Itoa(m.MemoryMB),
		"FC_REGION": c.Region, "FC_ACCOUNT_ID": c.AccountID, "FC_INSTANCE_ID": i.name, "FC_FUNCTION_VERSION": "LATEST",
		"FC_FUNC_CODE_PATH": m.CodeDir, "FC_SERVER_PORT": strconv.Itoa(port), "FC_CUSTOM_LISTEN_PORT": strconv.Itoa(port),
		"ALIBABA_CLOUD_ACCESS_KEY_ID": c.Credentials.AccessKeyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": c.Credentials.AccessKeySecret,
		"ALIBABA_CLOUD_SECURITY_TOKEN": c.Credentials.SecurityToken, "LISTEN_HOST": "127.0.0.1",
		"PATH": os.Getenv("PATH"), "HOME": os.Getenv("HOME"), "TMPDIR": os.Getenv("TMPDIR"),
	} {
		values[name] = value
	}
	environment := make([]string, 0, len(values))
	for name, value := range values {
		environment = append(environment, name+"="+value)
	}
	return environment
}

// hook calls a lifecycle hook.
func (i *instance) hook(ctx context.Context, method, path string, timeout time.Duration) error {
	request, err := http.NewRequestWithContext(ctx, method, i.base+path, nil)
	if err != nil {
		return err
	}
	i.function.setHeaders(request.Header, path, NewRequestID())
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

// kill ends the process at once.
func (i *instance) kill() {
	i.signal(syscall.SIGKILL)
	<-i.exited
}

// signal reaches the process and its children, unless it has ended by itself.
func (i *instance) signal(s syscall.Signal) {
	select {
	case <-i.exited: // its number may be another's by now
	default:
		_ = syscall.Kill(-i.cmd.Process.Pid, s) // it may be ending
	}
}

// stop lets the function release what it holds: pre-stop, then SIGTERM, and SIGKILL when it does not end.
func (i *instance) stop(ctx context.Context) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.refused = errStopping // a request may have got it and not have come to starting it
	if i.cmd == nil {
		return
	}
	i.signal(syscall.SIGCONT) // a frozen one is thawed for its hook
	if hook := i.function.manifest.PreStop; hook != nil {
		hookCtx, cancel := context.WithTimeout(ctx, hook.Timeout)
		defer cancel()
		if err := i.hook(hookCtx, http.MethodGet, "/pre-stop", hook.Timeout); err != nil && !errors.Is(err, io.EOF) {
			i.function.cfg.Logger.Warn("pre-stop failed", "function", i.function.manifest.Name, "error", err)
		}
	}
	i.signal(syscall.SIGTERM)
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-i.exited:
	case <-timer.C:
		i.kill()
	}
}
