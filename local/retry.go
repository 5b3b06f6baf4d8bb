package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"feedstream/local/cli"
	"feedstream/local/console"
	"feedstream/local/target"
)

func retryCommand() *cobra.Command {
	var data string
	var giveUp, asJSON bool
	cmd := &cobra.Command{
		Use:   "retry",
		Short: "Try the pushes of the running local stack that wait for a retry now, or give them up",
		Example: `  feedstream retry
  feedstream retry --give-up`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			running, err := target.Running(data)
			if err != nil {
				return err
			}
			stack := console.Client{Console: running.Console, Token: running.ConsoleToken}
			end, said := stack.RetryNow, "%d pushes that waited for a retry are tried now\n"
			if giveUp {
				end, said = stack.GiveUp, "%d pushes that waited for a retry are given up: see `feedstream deadletter list`\n"
			}
			waited, err := end(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return cli.PrintJSON(cmd.OutOrStdout(), waited)
			}
			fmt.Fprintf(cmd.OutOrStdout(), said, waited.Pushes)
			return nil
		},
	}
	cli.AddDataFlag(cmd, &data)
	cmd.Flags().BoolVar(&giveUp, "give-up", false, "send their records to the dead letters, as if the retries were used up")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print for machines")
	return cmd
}
