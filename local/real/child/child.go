// Package child starts processes that end with this one: on Linux the kernel kills them when this one
// dies, however it dies. A test that is stopped leaves no Java behind.
package child

import (
	"bytes"
	"os/exec"
)

// Start starts a command as the leader of a process group.
func Start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = attributes()
	return onLastingThread(cmd.Start)
}

// CombinedOutput runs a command and returns what it printed.
func CombinedOutput(cmd *exec.Cmd) ([]byte, error) {
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := Start(cmd); err != nil {
		return nil, err
	}
	err := cmd.Wait()
	return output.Bytes(), err
}
