package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"feedstream/local/cli"
	"feedstream/local/repair"
	"feedstream/shared/feed"
)

func replayCommand() *cobra.Command {
	var where cli.Place
	var asJSON, dry, all bool
	var records repair.Replay
	var rows repair.Rejoin
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Input records, or those of rows already written, through the enrich function again",
		Example: `  feedstream replay --from 2026-11-24T00:00:00Z
  feedstream replay --from 2:1000 --to 2:2000 --dry-run
  feedstream replay --unmatched
  feedstream replay --reference-version 20261123T021500Z-3f2a91c4 --code 2318.HK`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if rows.Any() && (all || cmd.Flags().Changed("from") || cmd.Flags().Changed("to")) {
				return cli.Usage(errors.New("--all, --from and --to are of input records, all else is of rows: give one kind"))
			}
			bounded := cmd.Flags().Changed("from") || cmd.Flags().Changed("to")
			if !rows.Any() && bounded == all {
				return cli.Usage(errors.New("say what to replay: --from or --to, or --all input records, or rows by --unmatched, " +
					"--reference-version or --code"))
			}
			if rows.Code != "" && !feed.ValidStockCode(rows.Code) {
				return cli.Usage(fmt.Errorf("--code %q is no stock code: write up to 32 letters, digits, dot, _ and -", rows.Code))
			}
			repaired, err := where.Feed()
			if err != nil {
				return err
			}
			bar := cli.Bar(cmd.ErrOrStderr(), "replaying", -1, progressbar.OptionShowCount())
			progress := func(done int) { _ = bar.Set(done) }
			records.DryRun, rows.DryRun, records.Progress, rows.Progress = dry, dry, progress, progress
			rows.Waiting = func(joins, current string) {
				fmt.Fprintf(cmd.ErrOrStderr(), "feed-enrich still joins with %s, waiting until it has %s: up to its REFERENCE_CHECK_INTERVAL\n",
					joins, current)
			}
			var answer interface{ Render(io.Writer) }
			if rows.Any() {
				answer, err = repaired.Rejoin(cmd.Context(), rows)
			} else {
				answer, err = repaired.Replay(cmd.Context(), records)
			}
			_ = bar.Finish()
			if err != nil {
				return err // it says how far it came
			}
			if asJSON {
				return cli.PrintJSON(cmd.OutOrStdout(), answer)
			}
			answer.Render(cmd.OutOrStdout())
			return nil
		},
	}
	addBoundFlags(cmd, &records.From, &records.To)
	cmd.Flags().BoolVar(&all, "all", false, "every record that the input topic holds")
	cmd.Flags().BoolVar(&rows.Unmatched, "unmatched", false, "rows whose stock the reference did not know")
	cmd.Flags().StringVar(&rows.ReferenceVersion, "reference-version", "", "rows that were joined with this version")
	cmd.Flags().StringVar(&rows.Code, "code", "", "rows of this stock code")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "count only")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print for machines")
	where.AddFlags(cmd)
	return cmd
}
