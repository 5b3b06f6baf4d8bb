package main

import (
	"errors"

	"github.com/spf13/cobra"

	"feedstream/local/audit"
)

func auditCommand() *cobra.Command {
	var where place
	var from, to string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Prove that no record was lost: verdicts, table and index against the input topic",
		Example: `  feedstream audit
  feedstream audit --from 2026-11-24T00:00:00Z --json
  feedstream audit --from 2:1000 --to 2:2000
  feedstream audit --env production.env`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			first, err := audit.ParseBound(from)
			last, err2 := audit.ParseBound(to)
			if err := errors.Join(err, err2); err != nil {
				return usageError{err}
			}
			t, err := where.target()
			if err != nil {
				return err
			}
			report, err := audit.Feed(cmd.Context(), t, first, last)
			if err != nil {
				return err
			}
			return printReport(cmd.OutOrStdout(), &report, asJSON)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "RFC 3339 time or partition:offset to begin at")
	cmd.Flags().StringVar(&to, "to", "", "RFC 3339 time or partition:offset to end at")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	where.addFlags(cmd)
	return cmd
}
