package child

import (
	"runtime"
	"sync"
	"syscall"
)

func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// The kernel's signal is bound to the thread that started the process: one thread starts them all and
// lives as long as this process.
var starts = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread() // never unlocked, or the thread could end
		for f := range work {
			f()
		}
	}()
	return work
})

func onLastingThread(start func() error) error {
	result := make(chan error)
	starts() <- func() { result <- start() }
	return <-result
}
