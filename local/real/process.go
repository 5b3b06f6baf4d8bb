package real

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"feedstream/local/real/child"
)

// process is a Java server whose output goes to a file.
type process struct {
	name, log string
	cmd       *exec.Cmd
	exited    chan struct{}
}

// start runs java in a folder, appending what it prints to <name>.log there.
func start(name, folder string, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(folder, name+".log"), exited: make(chan struct{})}
	output, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", name, err)
	}
	defer output.Close()
	p.cmd = exec.Command("java", args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = folder, output, output
	if err := child.Start(p.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // why it ended stands in its log
		close(p.exited)
	}()
	return p, nil
}

// await returns once ready does without an error. It gives up when the process ends or ctx does, and
// then shows the end of the log.
func (p *process) await(ctx context.Context, ready func(context.Context) error) error {
	for {
		attempt, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := ready(attempt)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended before it was ready; the end of %s:\n%s", p.name, p.log, tail(p.log))
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready in time: %w; the end of %s:\n%s", p.name, err, p.log, tail(p.log))
		case <-time.After(100 * time.Millisecond): // it announces itself to nobody
		}
	}
}

// awaitEnd returns when the process has ended by itself.
func (p *process) awaitEnd(ctx context.Context) error {
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s has not ended by itself: %w; the end of %s:\n%s", p.name, ctx.Err(), p.log, tail(p.log))
	}
}

// stop lets the process end by itself for ten seconds.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.exited:
	case <-time.After(10 * time.Second):
		p.kill()
	}
}

// freeze has it stand still for a while, as a long collection of garbage does.
func (p *process) freeze(ctx context.Context, d time.Duration) error {
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("freeze %s: %w", p.name, err)
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		return fmt.Errorf("thaw %s: %w", p.name, err)
	}
	return nil
}

// kill ends it as a power failure would.
func (p *process) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	<-p.exited
}

func tail(path string) []byte {
	content, err := os.ReadFile(path)
	if err != nil {
		return []byte(err.Error())
	}
	const most = 3000
	return bytes.TrimSpace(content[max(len(content)-most, 0):])
}
