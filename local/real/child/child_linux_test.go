package child_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"feedstream/local/real/child"
)

const parent = "FEEDSTREAM_TEST_PARENT"

// TestMain is the parent that the test below kills when that asks for it: it starts a child, says its
// number and waits.
func TestMain(m *testing.M) {
	if os.Getenv(parent) == "" {
		os.Exit(m.Run())
	}
	sleep := exec.Command("sleep", "600")
	if err := child.Start(sleep); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(sleep.Process.Pid)
	_ = sleep.Wait() // killed with this process
}

func TestChildEndsWithItsParent(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), parent+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid := strings.TrimSpace(line)
	if ended(t, pid) {
		t.Fatalf("the child %s does not run", pid)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed: it reports so
	for deadline := time.Now().Add(10 * time.Second); !ended(t, pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the child %s outlives its parent", pid)
		}
	}
}

// ended reports whether a process is gone, or waits to be collected by who adopted it.
func ended(t *testing.T, pid string) bool {
	t.Helper()
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil {
		t.Fatal(err)
	}
	_, state, _ := bytes.Cut(stat, []byte(") "))
	return state[0] == 'Z'
}

func TestCombinedOutput(t *testing.T) {
	output, err := child.CombinedOutput(exec.Command("sh", "-c", "echo out; echo err >&2; exit 3"))
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 || string(output) != "out\nerr\n" {
		t.Errorf("output %q, %v", output, err)
	}
}
