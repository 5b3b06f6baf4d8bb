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
	cmd := &cobra.Command{
		Use:     "retry",
		Short:   "Try the pushes of the running local stack that wait for a retry now",
		Example: "  feedstream retry",
		Args:    cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			running, err := target.Running(data)
			if err != nil {
				return err
			}
			if err := (console.Client{Console: running.Console, Token: running.ConsoleToken}).RetryNow(cmd.Context()); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "all pushes that waited for a retry are tried now")
			return nil
		},
	}
	cli.AddDataFlag(cmd, &data)
	return cmd
}
