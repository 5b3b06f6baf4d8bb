package main

import (
	"github.com/spf13/cobra"

	"feedstream/local/cli"
	"feedstream/local/logs"
)

func logsCommand() *cobra.Command {
	var data string
	var options logs.Options
	cmd := &cobra.Command{
		Use:     "logs FUNCTION",
		Short:   "What a function of the local stack printed",
		Example: "  feedstream logs feed-enrich -f",
		Args:    cli.Exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return logs.Print(cmd.Context(), cmd.OutOrStdout(), data, args[0], options)
		},
	}
	cmd.Flags().BoolVarP(&options.Follow, "follow", "f", false, "go on with what comes, until Ctrl-C")
	cmd.Flags().IntVarP(&options.Lines, "lines", "n", 20, "the last so many lines; -1 shows all")
	cli.AddDataFlag(cmd, &data)
	return cmd
}
