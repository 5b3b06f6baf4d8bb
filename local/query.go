package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"feedstream/local/cli"
	"feedstream/local/invoke"
	"feedstream/local/target"
)

func queryCommand() *cobra.Command {
	var data, code, row, cursor string
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "query",
		Short:   "Rows by stock code, newest first, or one row by its key",
		Example: "  feedstream query --code 2318.HK\n  feedstream query --row '192.168.2.17|2318.HK' --json",
		Args:    cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (code == "") == (row == "") {
				return cli.Usage(fmt.Errorf("give either --code or --row"))
			}
			running, err := target.Running(data)
			if err != nil {
				return err
			}
			path := invoke.ByRow(row)
			if code != "" {
				path = invoke.ByCode(code, limit, cursor)
			}
			body, err := invoke.Of(running).Get(cmd.Context(), running.Names.Query, path)
			if err != nil {
				return err
			}
			if asJSON {
				_, err = cmd.OutOrStdout().Write(body)
				return err
			}
			return cli.PrintPage(cmd.OutOrStdout(), body, row != "")
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&code, "code", "", "stock code, such as 2318.HK")
	flags.StringVar(&row, "row", "", "row key, such as 192.168.2.17|2318.HK")
	flags.IntVar(&limit, "limit", 20, "most rows, up to 1000")
	flags.StringVar(&cursor, "cursor", "", "go on after an earlier page, with what it printed as next")
	flags.BoolVar(&asJSON, "json", false, "print what the function answers")
	cli.AddDataFlag(cmd, &data)
	return cmd
}
