package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"feedstream/local/cli"
	"feedstream/local/trace"
	"feedstream/shared/feed"
)

func traceCommand() *cobra.Command {
	var where cli.Place
	var at, row string
	cmd := &cobra.Command{
		Use:   "trace",
		Short: "The way of one record: input, update, match, row, output, verdict, as JSON",
		Example: `  feedstream trace --at feed-updates/2/1000
  feedstream trace --row '192.168.2.17|2318.HK'`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (at == "") == (row == "") {
				return cli.Usage(errors.New("give either --at or --row"))
			}
			t, err := where.Target()
			if err != nil {
				return err
			}
			found, err := trace.Of(t)
			if err != nil {
				return err
			}
			if row != "" {
				way, err := found.FindRow(cmd.Context(), row)
				if err != nil {
					return err
				}
				return cli.PrintJSON(cmd.OutOrStdout(), way)
			}
			origin, err := feed.ParseOrigin(strings.TrimSpace(at))
			if err != nil {
				return cli.Usage(err)
			}
			way, err := found.Find(cmd.Context(), origin)
			if err != nil {
				return err
			}
			return cli.PrintJSON(cmd.OutOrStdout(), way)
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "where the record stands: topic/partition/offset")
	cmd.Flags().StringVar(&row, "row", "", "row key, such as 192.168.2.17|2318.HK: the record that the row was last written for")
	where.AddFlags(cmd)
	return cmd
}
