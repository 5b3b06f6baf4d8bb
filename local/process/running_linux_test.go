package process

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	const before = "R 1 2 3 4 5 6 7 8 9 10 "
	for name, test := range map[string]struct {
		stat, status string
		want         Usage
		fails        bool
	}{
		"plain":               {"7 (enrich) " + before + "150 25 0 0 20", "Name:\tenrich\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n", Usage{CPU: 1750 * time.Millisecond, PeakMemory: 2 << 20}, false},
		"command with blanks": {"7 (a) b) " + before + "1 0 0 0 20", "", Usage{CPU: 10 * time.Millisecond}, false},
		"cut":                 {"7 (enrich) R 1 2", "", Usage{}, true},
		"no number":           {"7 (enrich) " + before + "x 25 0 0 20", "", Usage{}, true},
		"no memory":           {"7 (enrich) " + before + "1 1 0 0 20", "VmHWM:\t x kB", Usage{}, true},
		"empty":               {"", "", Usage{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse([]byte(test.stat), []byte(test.status))
			if (err != nil) != test.fails {
				t.Fatalf("error %v, want one: %t", err, test.fails)
			}
			if err == nil && got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

// What /proc says of a process is what the kernel accounts to it.
func TestRunningAndEnded(t *testing.T) {
	self := Self()
	running, err := Running(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if running.PeakMemory < self.PeakMemory || self.PeakMemory == 0 || running.CPU < self.CPU-2*tick {
		t.Errorf("/proc says %+v of this process, getrusage %+v before", running, self)
	}
	cmd := exec.Command("sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if ended := Ended(cmd.ProcessState); ended.CPU == 0 {
		t.Error("an ended process took no time")
	}
	if _, err := Running(cmd.Process.Pid); err == nil {
		t.Error("a process that has ended is said to run")
	}
}
