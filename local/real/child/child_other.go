//go:build !linux

package child

import "syscall"

// Only Linux can tie the life of a process to this one: if this one is killed elsewhere, they stay.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func onLastingThread(start func() error) error { return start() }
