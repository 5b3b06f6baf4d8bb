package stack

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Killed with -9 under load, the whole stack takes its functions with it; the next one on the same
// data balances.
func TestKilledStack(t *testing.T) {
	cfg := testConfig(t)
	binary := filepath.Join(t.TempDir(), "feedstream")
	must(t, exec.Command("go", "build", "-o", binary, "feedstream/local").Run())
	args := []string{"up", "--manifest", cfg.Manifest, "--data", cfg.Data, "--records", "200000"}
	for _, p := range DefaultPorts().all() {
		args = append(args, "--"+p.flag, "0")
	}
	cmd := exec.Command(binary, args...)
	stderr, err := cmd.StderrPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && !strings.Contains(lines.Text(), "enriched ") || strings.Contains(lines.Text(), "enriched 0 ") {
	}
	children := childrenOf(t, cmd.Process.Pid)
	if len(children) == 0 {
		t.Error("no function process was running")
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // killed: it reports so
	for _, pid := range children {
		for deadline := time.Now().Add(10 * time.Second); alive(pid); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("function process %d outlives the stack", pid)
			}
		}
	}
	s := runningOn(t, cfg)
	ends, err := s.endOffsets(t.Context(), s.target.Names.Topics.Input)
	must(t, err)
	total := 0
	for _, end := range ends {
		total += int(end)
	}
	if total == 0 {
		t.Fatal("nothing had been published")
	}
	s.balances(t, total)
}

func childrenOf(t *testing.T, pid int) []int {
	t.Helper()
	tasks, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	must(t, err)
	var found []int
	for _, task := range tasks {
		content, err := os.ReadFile(task)
		must(t, err)
		for field := range strings.FieldsSeq(string(content)) {
			child, err := strconv.Atoi(field)
			must(t, err)
			found = append(found, child)
		}
	}
	return found
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }
