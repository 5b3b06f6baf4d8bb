package reference

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"feedstream/local/cli"
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
		Args: cli.Exactly(0),
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
	var where cli.Place
	var asJSON bool
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			command.Version = args[0]
		}
		event, err := json.Marshal(command)
		if err != nil {
			return err
		}
		running, err := where.Running(fmt.Sprintf("call the refresh function there: feedstream invoke FUNCTION -e '%s' --env FILE", event))
		if err != nil {
			return err
		}
		outcome, err := invoke.Of(running).Reference(running.Names.Refresh, *command)
		if err != nil {
			return err
		}
		if asJSON {
			return cli.PrintJSON(cmd.OutOrStdout(), outcome)
		}
		cli.PrintOutcome(cmd.OutOrStdout(), outcome)
		return nil
	}
	where.AddFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what the function answers")
	return cmd
}
