package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"feedstream/local/platform/manifest"
)

const (
	startTimeout = 120 * time.Second // the platform's own
	stopTimeout  = 10 * time.Second
)

// launcher starts the processes of one function.
type launcher struct {
	spec        *manifest.Function
	environment map[string]string
	starter     *starter
	logs        io.Writer
	stopping    context.Context
}

// process is a running process of a function.
type process struct {
	cmd    *exec.Cmd
	base   string // URL of its port
	exited chan struct{}
	exit   error // why it ended; read after exited is closed
}

// launch starts a process and returns when its port answers. Gone is called once it has ended.
func (l *launcher) launch(gone func()) (*process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(l.spec.Command[0], l.spec.Command[1:]...)
	cmd.Dir = l.spec.CodeDir
	for name, value := range values(l.environment, ofProcess(port)) {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	printed := &tail{to: l.logs}
	cmd.Stdout, cmd.Stderr = printed, printed // one writer: the process gets one pipe, lines keep their order
	if err := l.starter.start(cmd); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, base: "http://127.0.0.1:" + strconv.Itoa(port), exited: make(chan struct{})}
	go func() {
		p.exit = cmd.Wait()
		close(p.exited)
		gone()
	}()
	return p, l.awaitPort(p, "127.0.0.1:"+strconv.Itoa(port), printed)
}

func (l *launcher) awaitPort(p *process, addr string, printed *tail) error {
	deadline := time.Now().Add(startTimeout)
	for {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.exited:
			return fmt.Errorf("the process ended before its port answered (%v); it printed: %s", p.exit, printed.text())
		case <-l.stopping.Done():
			p.kill()
			return errors.New("the platform is stopping")
		case <-time.After(2 * time.Millisecond): // a listening port announces itself to nobody
		}
		if time.Now().After(deadline) {
			p.kill()
			return fmt.Errorf("its port did not answer within %s", startTimeout)
		}
	}
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// kill ends the process at once.
func (p *process) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may have ended by itself
	<-p.exited
}

// terminate asks the process to end, and kills it when it does not.
func (p *process) terminate() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM) // it may have ended by itself
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-timer.C:
		p.kill()
	}
}
