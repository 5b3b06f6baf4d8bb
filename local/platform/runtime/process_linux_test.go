package runtime

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestAClosedStarterRefuses(t *testing.T) {
	s := newStarter()
	s.close()
	if err := s.start(exec.Command("/bin/true")); !errors.Is(err, errStopping) {
		t.Errorf("err = %v", err)
	}
}

// A process that has ended and was not waited for has no memory any more: the peak seen before stays.
func TestThePeakOutlivesTheProcess(t *testing.T) {
	cmd := exec.Command("/bin/true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // its end is all that matters
	status := func() string {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/status")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(status(), "Z (zombie)"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not end: %s", status())
		}
	}
	var i instance
	i.pid.Store(int64(cmd.Process.Pid))
	i.peak.Store(7 << 20)
	for range 2 {
		if used := i.used(); used.PeakMemory != 7<<20 {
			t.Errorf("the peak is %d bytes", used.PeakMemory)
		}
	}
}
