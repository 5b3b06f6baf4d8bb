package main

import (
	"strings"

	"github.com/spf13/cobra"

	"feedstream/local/cli"
	"feedstream/local/process"
	"feedstream/local/stack"
)

func upCommand() *cobra.Command {
	cfg := stack.Config{Ports: stack.DefaultPorts()}
	var feed stack.Feed
	var asJSON bool
	var faults string
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run embedded services, the functions of s.yaml and a simulated feed",
		Example: `  feedstream up --rate 50
  feedstream up --ephemeral --records 100000 --drain --json
  feedstream up --records 1000 --drain --bad-ratio 0.05 --unknown-ratio 0.05
  feedstream up --env real.env --rate 50`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := feed.Validate(); err != nil {
				return cli.Usage(err)
			}
			if faults != "" {
				cfg.Faults, cfg.FaultSeed = strings.Split(faults, ";"), feed.Seed
			}
			cfg.Stderr = cmd.ErrOrStderr()
			process.CollectLate()
			drained, err := stack.Run(cmd.Context(), cfg, feed)
			if err != nil || drained == nil {
				return err
			}
			return cli.PrintDrained(cmd.OutOrStdout(), drained, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&cfg.Manifest, "manifest", "s.yaml", "the Serverless Devs manifest of the functions")
	flags.StringVar(&cfg.Data, "data", ".feedstream", "data directory; one stack at a time may use it")
	flags.StringVar(&cfg.Endpoints, "endpoints", "", "file to write the endpoints to, as JSON, once all is ready")
	flags.StringVar(&cfg.Env, "env", "", "file that names servers to use in place of embedded ones, as NAME=value lines:\n"+
		"KAFKA_BROKERS, HBASE_ZOOKEEPER, OSS_ENDPOINT, MONGODB_URI and what belongs to them")
	flags.BoolVar(&cfg.Ephemeral, "ephemeral", false, "use free ports and a temporary data directory")
	flags.Float64Var(&feed.Rate, "rate", 0, "records per second of the simulated feed; 0 with --records is as fast as it goes")
	flags.IntVar(&feed.Records, "records", 0, "end the simulated feed after this many records")
	flags.BoolVar(&feed.Drain, "drain", false, "after --records, wait for every verdict, print the audit and exit")
	flags.Float64Var(&feed.BadRatio, "bad-ratio", 0, "share of records that must be set aside, 0 to 1")
	flags.Float64Var(&feed.UnknownRatio, "unknown-ratio", 0, "share of records with an unknown stock, 0 to 1")
	flags.IntVar(&feed.ValueBytes, "value-bytes", 0, "how many bytes a good value has at least; 0 is the article's form")
	flags.IntVar(&cfg.Partitions, "partitions", 0, "of the input and the output topic when they are made; 0 is four")
	flags.Uint64Var(&feed.Seed, "seed", 1, "seed of the simulated feed and of the shares of --faults")
	flags.StringVar(&faults, "faults", "", "rules by which the stack goes wrong, with semicolons between: see the verb faults")
	flags.BoolVar(&cfg.AnonymousHTTP, "anonymous-http", false, "serve the HTTP triggers of authType function without signature")
	flags.StringVar(&cfg.ConsoleToken, "console-token", "", "with --listen-host: what the console wants from beyond this machine; drawn and printed when empty")
	flags.BoolVarP(&cfg.Verbose, "verbose", "v", false, "show the functions' logs")
	flags.BoolVar(&asJSON, "json", false, "print the audit as JSON")
	cfg.Ports.AddFlags(flags)
	return cmd
}
