// Package cli is what the verbs of the command share: where they find the services, how they print, and how
// they end.
package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// ErrFound ends a command with exit code 1 after it has printed what it found itself.
var ErrFound = errors.New("something was found wrong")

// UsageError ends a command with exit code 2.
type UsageError struct{ error }

// Usage is wrong usage.
func Usage(err error) error { return UsageError{err} }

// Exactly is cobra.ExactArgs with this command's exit code for wrong usage.
func Exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return UsageError{fmt.Errorf("%s takes %d arguments, got %d", cmd.CommandPath(), n, len(args))}
		}
		return nil
	}
}

// Known is cobra.OnlyValidArgs with this command's exit code for wrong usage.
func Known(cmd *cobra.Command, args []string) error {
	if err := cobra.OnlyValidArgs(cmd, args); err != nil {
		return UsageError{err}
	}
	return nil
}
