package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"feedstream/local/audit"
	"feedstream/shared/hbase"
)

func auditCommand() *cobra.Command {
	var data, from, to string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Prove that no record was lost: verdicts, table and index against the input topic",
		Example: `  feedstream audit
  feedstream audit --from 2026-11-24T00:00:00Z --json
  feedstream audit --from 2:1000 --to 2:2000`,
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
			running, err := runningStack(data)
			if err != nil {
				return err
			}
			report, err := running.audit(cmd.Context(), first, last)
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
	addDataFlag(cmd, &data)
	return cmd
}

func addDataFlag(cmd *cobra.Command, data *string) {
	cmd.Flags().StringVar(data, "data", ".feedstream", "data directory of the running stack")
}

// audit looks at the topics, the table and its index of the stack.
func (e *endpoints) audit(ctx context.Context, from, to audit.Bound) (audit.Report, error) {
	client, err := hbase.New(hbase.Config{ZooKeeper: e.ZooKeeper, Timeout: 10 * time.Minute, Logger: slog.New(slog.DiscardHandler)})
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
		Kafka: audit.Kafka{Brokers: strings.Split(e.Kafka, ",")}, Topics: audit.Topics(topics), Group: consumerGroup,
		From: from, To: to, Table: audit.Phoenix{Scanner: client, Layout: layout},
	})
}
