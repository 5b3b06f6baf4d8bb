package reckon

import (
	"github.com/spf13/cobra"

	"feedstream/local/cli"
	"feedstream/local/cost"
)

func planCommand() *cobra.Command {
	var basis basisFlags
	var keyspace cost.Keyspace
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "plan",
		Short:   "How large topics, event stream, instances and table must be for a feed, its price, and which limit it meets first",
		Example: "  feedstream plan --rate 1e6 --record-size 200 --keys 1e8",
		Args:    cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := basis.read()
			if err != nil {
				return err
			}
			plan, err := cost.MakePlan(basis.load, keyspace, b)
			if err != nil {
				return cli.Usage(err)
			}
			if asJSON {
				return cli.PrintJSON(cmd.OutOrStdout(), plan)
			}
			plan.Render(cmd.OutOrStdout())
			return nil
		},
	}
	flags := cmd.Flags()
	flags.Float64Var(&keyspace.Keys, "keys", 1e6, "rows of the table: senders times stock codes")
	flags.Float64Var(&keyspace.SaltBuckets, "salt-buckets", 16, "of the table and of its index")
	flags.Float64Var(&keyspace.RowsPerServer, "rows-per-server", 50_000, "rows that a region server writes in a second; measure yours")
	flags.BoolVar(&asJSON, "json", false, "print for machines")
	basis.addFlags(cmd)
	return cmd
}
