package runtime

import (
	"os/exec"
	goruntime "runtime"
	"syscall"
)

// starter starts processes that the kernel kills when this process dies, however it dies. The
// kernel's signal is bound to the thread that started them, so one thread does it and lives as long
// as the platform.
type starter struct{ work chan func() }

func newStarter() *starter {
	s := &starter{work: make(chan func())}
	go func() {
		goruntime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for f := range s.work {
			f()
		}
	}()
	return s
}

func (s *starter) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	result := make(chan error)
	s.work <- func() { result <- cmd.Start() }
	return <-result
}

func (s *starter) close() { close(s.work) }
