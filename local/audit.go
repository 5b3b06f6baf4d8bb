package main

import (
	"errors"

	"github.com/spf13/cobra"

	"feedstream/local/audit"
	"feedstream/local/cli"
)

func auditCommand() *cobra.Command {
	var where cli.Place
	var from, to string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Prove that no record was lost: verdicts, table and index against the input topic",
		Example: `  feedstream audit
  feedstream audit --from 2026-11-24T00:00:00Z --json
  feedstream audit --from 2:1000 --to 2:2000
  feedstream audit --env production.env
  feedstream audit --json > report.json`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			first, err := audit.ParseBound(from)
			last, err2 := audit.ParseBound(to)
			if err := errors.Join(err, err2); err != nil {
				return cli.Usage(err)
			}
			t, err := where.Target()
			if err != nil {
				return err
			}
			steps := cli.Steps{Out: cmd.ErrOrStderr()}
			report, err := audit.FeedWith(cmd.Context(), t, audit.Config{From: first, To: last, Progress: steps.Show})
			steps.End()
			if err != nil {
				return err
			}
			return cli.PrintReport(cmd.OutOrStdout(), &report, asJSON)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "RFC 3339 time or partition:offset to begin at; what was written long before is not read")
	cmd.Flags().StringVar(&to, "to", "", "RFC 3339 time or partition:offset to end at")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON: the figures, and each kind of fault with the first ten and what to do")
	where.AddFlags(cmd)
	return cmd
}
