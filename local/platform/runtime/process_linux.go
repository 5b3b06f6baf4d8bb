package runtime

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"
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

// cpuTime is the processor time that a running process has used; 0 when it is gone.
func cpuTime(pid int) time.Duration {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// Behind the name, which stands in brackets and may hold anything: utime and stime are the 12th and 13th,
	// in hundredths of a second (proc(5); the unit is USER_HZ, which every architecture of Go's has at 100).
	const utime, stime, tick = 11, 12, 10 * time.Millisecond
	fields := bytes.Fields(content[bytes.LastIndexByte(content, ')')+1:])
	if len(fields) <= stime {
		return 0
	}
	user, _ := strconv.Atoi(string(fields[utime])) // the kernel writes numbers
	system, _ := strconv.Atoi(string(fields[stime]))
	return time.Duration(user+system) * tick
}
