//go:build !linux

package process

import "errors"

// Running is not known here: only what a process used that has ended.
func Running(int) (Usage, error) { return Usage{}, errors.ErrUnsupported }
