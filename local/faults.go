package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"feedstream/local/cli"
	"feedstream/local/console"
	"feedstream/local/target"
)

func faultsCommand() *cobra.Command {
	group := &cobra.Command{
		Use:   "faults",
		Short: "Let the running local stack go wrong, by rules",
		Long: `A rule is a call and what goes wrong with it:
  TARGET.CALL [before|after] [[delay] DURATION] [drop] [error NAME] [SHARE%] [COUNTx]
The clock is that by which the simulated feed of "up" dates its events. A wrong rule is answered with the targets and
calls that there are.`,
		Example: `  feedstream faults set 'hbase.multi after drop 5%' 'kafka.produce before error NOT_ENOUGH_REPLICAS 3x'
  feedstream faults set 'enrich.kill 1%' 'enrich.freeze 30s 1x' 'push.repeat 5%' 'clock +10m 2%' --seed 7
  feedstream faults list
  feedstream faults clear`,
	}
	var seed uint64
	set := faultsVerb("set RULE...", "Put rules in the place of those before", func(ctx context.Context, c console.Client,
		rules []string) ([]console.Fault, error) {
		return c.SetFaults(ctx, seed, rules...)
	})
	set.Flags().Uint64Var(&seed, "seed", 1, "seed by which shares are drawn")
	set.Args = func(_ *cobra.Command, rules []string) error {
		if len(rules) == 0 {
			return cli.Usage(errors.New("faults set takes rules, each in quotes: what they look like, faults --help says"))
		}
		return nil
	}
	group.AddCommand(set,
		faultsVerb("list", "List the rules and how often each has happened", func(ctx context.Context, c console.Client,
			_ []string) ([]console.Fault, error) {
			return c.Faults(ctx)
		}),
		faultsVerb("clear", "Remove all rules and say how often each has happened", func(ctx context.Context, c console.Client,
			_ []string) ([]console.Fault, error) {
			return c.ClearFaults(ctx)
		}))
	return group
}

func faultsVerb(use, short string, run func(context.Context, console.Client, []string) ([]console.Fault, error)) *cobra.Command {
	var data string
	var asJSON bool
	cmd := &cobra.Command{Use: use, Short: short, Args: cli.Exactly(0), RunE: func(cmd *cobra.Command, args []string) error {
		running, err := target.Running(data)
		if err != nil {
			return err
		}
		faults, err := run(cmd.Context(), console.Client{Console: running.Console, Token: running.ConsoleToken}, args)
		if err != nil {
			return err
		}
		return cli.PrintFaults(cmd.OutOrStdout(), faults, asJSON)
	}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the rules as JSON")
	cli.AddDataFlag(cmd, &data)
	return cmd
}
