package main

import (
	"github.com/spf13/cobra"

	"feedstream/shared/reference"
)

func refreshCommand() *cobra.Command {
	command := reference.Command{Action: reference.ActionRefresh}
	cmd := commandVerb(&command, &cobra.Command{
		Use:   "refresh",
		Short: "Run the refresh function now; it mends what is damaged in OSS",
		Example: `  feedstream refresh --json
  feedstream refresh --accept-shrink`,
		Args: exactly(0),
	})
	addAcceptFlags(cmd, &command)
	return cmd
}

func addAcceptFlags(cmd *cobra.Command, command *reference.Command) {
	cmd.Flags().BoolVar(&command.AcceptShrink, "accept-shrink", false,
		"announce also when more entries vanish than REFERENCE_MAX_SHRINK allows")
	cmd.Flags().BoolVar(&command.AcceptPrices, "accept-prices", false,
		"announce also when prices change by more than REFERENCE_MAX_PRICE_CHANGE allows")
}
