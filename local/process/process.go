// Package process tells what processes of this machine have used so far, and how this one uses memory.
package process

import (
	"os"
	"syscall"
	"time"
)

// Usage is what a process has used: of the processor since it began, and of memory at its peak.
type Usage struct {
	CPU        time.Duration // user and system time, in steps of 10 ms for a process that runs
	PeakMemory int64         // bytes resident; 0 where the system does not say
}

// Add counts another process in: its time is added, the higher peak stays.
func (u Usage) Add(other Usage) Usage {
	return Usage{CPU: u.CPU + other.CPU, PeakMemory: max(u.PeakMemory, other.PeakMemory)}
}

// Ended is the processor time of an ended process. Its memory is not told: the kernel counts that of the process
// which started it too.
func Ended(state *os.ProcessState) Usage {
	return Usage{CPU: state.UserTime() + state.SystemTime()}
}

// Self is what this process has used.
func Self() Usage {
	var rusage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &rusage); err != nil {
		return Usage{}
	}
	running, _ := Running(os.Getpid()) // on other systems than Linux the peak is not known
	return Usage{CPU: time.Duration(rusage.Utime.Nano() + rusage.Stime.Nano()), PeakMemory: running.PeakMemory}
}
