package main

import (
	"cmp"
	"errors"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"feedstream/local/audit"
	"feedstream/local/cli"
	"feedstream/local/repair"
)

func deadLetterCommand() *cobra.Command {
	return asideCommand("deadletter", repair.DeadLetter, "Records of pushes that the platform gave up on: list, show, redrive",
		`  feedstream deadletter list --sender 192.168.2.17
  feedstream deadletter show --from 2:1000 --to 2:1001
  feedstream deadletter redrive --rate 100
  feedstream deadletter redrive --max 5 --edit`)
}

func addBoundFlags(cmd *cobra.Command, from, to *audit.Bound) {
	bound := func(into *audit.Bound) func(string) error {
		return func(s string) (err error) {
			*into, err = audit.ParseBound(s)
			return err
		}
	}
	cmd.Flags().Func("from", "RFC 3339 time or partition:offset of the input topic to begin at", bound(from))
	cmd.Flags().Func("to", "RFC 3339 time or partition:offset of the input topic to end at", bound(to))
}

func addRedriveFlags(cmd *cobra.Command, r *repair.Redrive) {
	flags := cmd.Flags()
	addBoundFlags(cmd, &r.From, &r.To)
	flags.StringVar((*string)(&r.Reason), "reason", "", "only those set aside for this reason, such as invalid-key")
	flags.StringVar(&r.Code, "code", "", "only those of this stock code")
	flags.StringVar(&r.Sender, "sender", "", "only those of this sender, the key")
	flags.BoolVar(&r.DryRun, "dry-run", false, "redrive: send nothing, say what would be sent")
	flags.IntVar(&r.Max, "max", 0, "redrive: at most so many; 0 is all")
	flags.Float64Var(&r.Rate, "rate", 0, "redrive: records per second; 0 is as fast as it goes")
	flags.IntVar(&r.MaxRedrives, "max-redrives", repair.DefaultMaxRedrives, "redrive: refuse what was redriven so often")
	flags.BoolVar(&r.EvenTwice, "even-twice", false, "redrive: also what was set aside before the input topic begins")
	flags.Func("replace", "redrive: old=new, in key and value; may be given again", r.AddReplacement)
	flags.BoolVar(&r.Trim, "trim", false, "redrive: take white space and control characters off key, code and time")
	flags.Func("set", "redrive: member=value; key, value, stockCode, timestamp, any member of a JSON value", r.AddAssignment)
}

func redrive(cmd *cobra.Command, feed *repair.Feed, from repair.Source, r repair.Redrive, asJSON bool) error {
	bar := cli.Bar(cmd.ErrOrStderr(), "redriving", -1, progressbar.OptionShowCount())
	r.Progress = func(done, of int) {
		bar.ChangeMax(of)
		_ = bar.Set(done)
	}
	summary, err := feed.Redrive(cmd.Context(), from, r)
	_ = bar.Finish()
	if asJSON {
		err = errors.Join(err, cli.PrintJSON(cmd.OutOrStdout(), &summary))
	} else if summary.ByReason != nil { // it has begun
		summary.Render(cmd.OutOrStdout())
	}
	return cmp.Or(err, cli.Found(summary.Total.Refused > 0))
}
