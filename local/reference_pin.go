package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"feedstream/shared/reference"
)

func pinCommand() *cobra.Command {
	return commandVerb(&reference.Command{Action: reference.ActionPin}, &cobra.Command{
		Use:     "pin VERSION",
		Short:   "Announce a version and keep it: it does not age, and refreshes leave it alone",
		Example: "  feedstream reference list && feedstream reference pin 20261124T120000Z-0123abcd",
		Args:    exactly(1),
	})
}

func unpinCommand() *cobra.Command {
	command := reference.Command{Action: reference.ActionUnpin}
	cmd := commandVerb(&command, &cobra.Command{
		Use:     "unpin",
		Short:   "Follow the source again: what it holds is announced at once, or refused and the pin stays",
		Example: "  feedstream reference unpin",
		Args:    exactly(0),
	})
	addAcceptFlags(cmd, &command)
	return cmd
}

func rollbackCommand() *cobra.Command {
	return commandVerb(&reference.Command{Action: reference.ActionRollback}, &cobra.Command{
		Use:   "rollback [VERSION]",
		Short: "Announce the previous version, or the one named, and pin it, so that the next refresh does not undo it",
		Example: `  feedstream reference rollback
  feedstream reference rollback 20261124T120000Z-0123abcd`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("%s takes at most one version, got %d", cmd.CommandPath(), len(args))}
			}
			return nil
		},
	})
}
