package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"feedstream/local/invoke"
	"feedstream/local/target"
	"feedstream/shared/reference"
)

func refreshCommand() *cobra.Command {
	var data string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "refresh",
		Short:   "Run the refresh function now",
		Example: "  feedstream refresh --json",
		Args:    exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			running, err := target.Running(data)
			if err != nil {
				return err
			}
			answer, err := invoke.Of(running).Timer(running.Names.Refresh, "refresh")
			if err != nil {
				return err
			}
			if asJSON {
				fmt.Fprintf(cmd.OutOrStdout(), "%s\n", answer)
				return nil
			}
			var outcome struct {
				Version         string
				Revision        int64
				Changed, Pinned bool
				Entries         int
				Report          reference.Report
			}
			if err := json.Unmarshal(answer, &outcome); err != nil {
				return fmt.Errorf("read the answer of %s: %w", running.Names.Refresh, err)
			}
			state := "unchanged"
			switch {
			case outcome.Pinned:
				state = "pinned, left alone"
			case outcome.Changed:
				state = "new"
			}
			fmt.Fprintf(cmd.OutOrStdout(), "version %s (%s), revision %d: %d entries of %d documents, %d rejected\n", outcome.Version,
				state, outcome.Revision, outcome.Entries, outcome.Report.Read, outcome.Report.Rejected)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what the function answers")
	addDataFlag(cmd, &data)
	return cmd
}
