package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"feedstream/local/audit"
	"feedstream/shared/feed"
	"feedstream/shared/hbase"
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
			if err != nil {
				return usageError{err}
			}
			last, err := audit.ParseBound(to)
			if err != nil {
				return usageError{err}
			}
			e, err := where.environment()
			if err != nil {
				return err
			}
			report, err := e.audit(cmd.Context(), first, last)
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), report)
			} else {
				report.Render(cmd.OutOrStdout())
			}
			if err == nil && !report.Balanced {
				err = errFound
			}
			return err
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "RFC 3339 time or partition:offset to begin at")
	cmd.Flags().StringVar(&to, "to", "", "RFC 3339 time or partition:offset to end at")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	where.addFlags(cmd)
	return cmd
}

func addDataFlag(cmd *cobra.Command, data *string) {
	cmd.Flags().StringVar(data, "data", ".feedstream", "data directory of the running stack")
}

// audit looks at the topics, the table and its index of the stack.
func (e environment) audit(ctx context.Context, from, to audit.Bound) (audit.Report, error) {
	k, err := e.kafka()
	if err != nil {
		return audit.Report{}, err
	}
	settings, err := e.hbase()
	if err != nil {
		return audit.Report{}, err
	}
	settings.Timeout, settings.Logger = 10*time.Minute, slog.New(slog.DiscardHandler)
	client, err := hbase.New(settings)
	if err != nil {
		return audit.Report{}, err
	}
	defer client.Close()
	layouts := &hbase.Layouts{
		Catalog: client, Table: hbaseTable, Index: hbaseIndex, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	}
	layout, err := layouts.Layout(ctx)
	if err != nil {
		return audit.Report{}, fmt.Errorf("check the layout of the table: %w", err)
	}
	return audit.Run(ctx, audit.Config{
		Kafka: audit.Kafka{Brokers: k.Brokers, Options: kafkaOptions(k)}, Topics: feed.Topics(topics), Group: consumerGroup,
		From: from, To: to, Table: audit.Phoenix{Scanner: client, Layout: layout},
	})
}
