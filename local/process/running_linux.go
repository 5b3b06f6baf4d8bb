package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// tick is the kernel's unit of processor time in /proc, on every architecture that Go runs on.
const tick = time.Second / 100

// Running is what the process of that number has used; an error when there is none. Source: proc(5), stat and status.
func Running(pid int) (Usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, fmt.Errorf("read what process %d has used: %w", pid, err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Usage{}, fmt.Errorf("read what process %d has used: %w", pid, err)
	}
	usage, err := parse(stat, status)
	if err != nil {
		return Usage{}, fmt.Errorf("read what process %d has used: %w", pid, err)
	}
	return usage, nil
}

// parse reads utime and stime, fields 14 and 15 of stat, and VmHWM of status, which a process that is ending has not.
func parse(stat, status []byte) (Usage, error) {
	// The second field is the command in parentheses, which may hold blanks and parentheses itself.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return Usage{}, fmt.Errorf("/proc's stat has %d fields behind the command: %q", len(fields), stat)
	}
	var usage Usage
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return Usage{}, fmt.Errorf("/proc's stat: %w", err)
		}
		usage.CPU += time.Duration(ticks) * tick
	}
	if _, after, ok := bytes.Cut(status, []byte("VmHWM:")); ok {
		line, _, _ := bytes.Cut(after, []byte("kB"))
		kib, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
		if err != nil {
			return Usage{}, fmt.Errorf("/proc's status: %w", err)
		}
		usage.PeakMemory = kib << 10
	}
	return usage, nil
}
