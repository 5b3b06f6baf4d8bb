package main

import (
	"cmp"

	"github.com/spf13/cobra"

	"feedstream/local/cli"
	"feedstream/local/repair"
)

func quarantineCommand() *cobra.Command {
	return asideCommand("quarantine", repair.Quarantine, "Single records that the enrich function set aside: list, show, redrive",
		`  feedstream quarantine list --reason invalid-key
  feedstream quarantine show --from 2:1000 --to 2:1001
  feedstream quarantine redrive --dry-run --trim --replace ' HK=.HK'
  feedstream quarantine redrive --reason missing-key --set key=192.168.2.17 --rate 100
  feedstream quarantine redrive --max 5 --edit`)
}

// asideCommand is the verb of one of the places where records are set aside.
func asideCommand(name string, from repair.Source, short, example string) *cobra.Command {
	var where cli.Place
	var asJSON, edit bool
	var r repair.Redrive
	cmd := &cobra.Command{
		Use:       name + " list|show|redrive",
		Short:     short,
		ValidArgs: []string{"list", "show", "redrive"},
		Example:   example,
		Args:      cobra.MatchAll(cli.Exactly(1), cli.Known),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cmp.Or(r.Validate(), r.Filter.Validate(from)); err != nil {
				return cli.Usage(err)
			}
			feed, err := where.Feed()
			if err != nil {
				return err
			}
			if args[0] != "redrive" {
				all, err := feed.List(cmd.Context(), from, r.Filter)
				if err != nil {
					return err
				}
				if asJSON || args[0] == "show" {
					return cli.PrintJSON(cmd.OutOrStdout(), all)
				}
				repair.Render(cmd.OutOrStdout(), all)
				return nil
			}
			if edit {
				r.Edit = repair.Terminal(cmd.InOrStdin(), cmd.OutOrStderr(), cmd.ErrOrStderr())
			}
			return redrive(cmd, feed, from, r, asJSON)
		},
	}
	addRedriveFlags(cmd, &r)
	cmd.Flags().BoolVar(&edit, "edit", false, "redrive: open $EDITOR on the records as lines of JSON")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print for machines")
	where.AddFlags(cmd)
	return cmd
}
