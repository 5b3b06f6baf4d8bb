//go:build !linux

package runtime

import (
	"os/exec"
	"syscall"
)

// starter starts processes in groups of their own. Only Linux can tie their life to this process: if
// it is killed elsewhere, they stay.
type starter struct{}

func newStarter() *starter { return &starter{} }

func (s *starter) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd.Start()
}

func (s *starter) close() {}
