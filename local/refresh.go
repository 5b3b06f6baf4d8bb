package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"feedstream/local/invoke"
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

// commandVerb completes a verb that has the refresh function carry out a command. An argument is the version.
func commandVerb(command *reference.Command, cmd *cobra.Command) *cobra.Command {
	var where place
	var asJSON bool
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			command.Version = args[0]
		}
		event, err := json.Marshal(command)
		if err != nil {
			return err
		}
		running, err := where.running(fmt.Sprintf("invoke the refresh function there with the event %s", event))
		if err != nil {
			return err
		}
		outcome, err := invoke.Of(running).Reference(running.Names.Refresh, *command)
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), outcome)
		}
		printOutcome(cmd.OutOrStdout(), outcome)
		return nil
	}
	where.addFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what the function answers")
	return cmd
}
