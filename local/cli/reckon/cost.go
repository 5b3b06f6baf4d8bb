// Package reckon holds the verbs that reckon with a feed without asking any service: cost and plan.
package reckon

import (
	"github.com/spf13/cobra"

	"feedstream/local/cli"
	"feedstream/local/cost"
)

// Commands are those of the package.
func Commands() []*cobra.Command { return []*cobra.Command{costCommand(), planCommand()} }

func costCommand() *cobra.Command {
	var basis basisFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "cost",
		Short: "What a month of a feed costs: Function Compute and the event stream, from a measured run and a list of prices",
		Example: `  feedstream cost --rate 1000
  feedstream up --ephemeral --records 1000000 --drain --json >run.json; feedstream cost --run run.json --prices ours.yaml`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := basis.read()
			if err != nil {
				return err
			}
			bills := b.Bills(basis.load)
			if asJSON {
				return cli.PrintJSON(cmd.OutOrStdout(), bills)
			}
			b.Render(cmd.OutOrStdout(), bills)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print for machines; what is unknown is null")
	basis.addFlags(cmd)
	return cmd
}

// basisFlags say what is reckoned with.
type basisFlags struct {
	files cost.Files
	load  cost.Load
	busy  float64
}

func (f *basisFlags) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Float64Var(&f.load.Rate, "rate", 1000, "records per second, in the mean of a month")
	flags.Float64Var(&f.load.RecordBytes, "record-size", 200, "bytes of a record")
	flags.Float64Var(&f.load.RetryShare, "retry-share", 0, "share of the records that are delivered again")
	flags.Float64Var(&f.busy, "busy", 0, "share of its billed time in which an instance computes; 0 takes what is assumed")
	flags.StringVar(&f.files.Run, "run", "", "what `feedstream up --records N --drain --json` printed; a run of this build by default")
	flags.StringVar(&f.files.Prices, "prices", "", "list of prices, such as a changed copy of local/cost/prices.yaml")
	flags.StringVar(&f.files.Manifest, "manifest", "s.yaml", "the Serverless Devs manifest with the sizes")
}

func (f *basisFlags) read() (cost.Basis, error) {
	if err := f.load.Check(); err != nil {
		return cost.Basis{}, cli.Usage(err)
	}
	b, err := f.files.Read()
	if err != nil {
		return b, err
	}
	if f.busy != 0 {
		b.Measured.Busy = f.busy
		if err := b.Measured.Check(); err != nil {
			return b, cli.Usage(err)
		}
	}
	return b, nil
}
