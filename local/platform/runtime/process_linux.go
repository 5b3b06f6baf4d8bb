package runtime

import (
	"os/exec"
	"runtime"
	"syscall"
)

// starter starts processes that the kernel kills when this process dies, however it dies. The
// kernel's signal is bound to the thread that started them, so one thread does it and lives as long
// as the platform.
type starter struct {
	work   chan func()
	closed chan struct{}
}

func newStarter() *starter {
	s := &starter{work: make(chan func()), closed: make(chan struct{})}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for {
			select {
			case f := <-s.work:
				f()
			case <-s.closed:
				return
			}
		}
	}()
	return s
}

func (s *starter) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	result := make(chan error)
	select {
	case s.work <- func() { result <- cmd.Start() }:
		return <-result
	case <-s.closed:
		return errStopping
	}
}

func (s *starter) close() { close(s.closed) }
