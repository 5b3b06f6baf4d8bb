package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"feedstream/local/cli"
	"feedstream/local/simulate"
	"feedstream/local/trace"
)

func publishCommand() *cobra.Command {
	var where cli.Place
	var asJSON bool
	var cfg simulate.Config
	var one trace.Input
	cmd := &cobra.Command{
		Use:   "publish",
		Short: "Publish simulated feed updates, as the article's publisher does",
		Example: "  feedstream publish --records 1000 --rate 100\n  feedstream publish --records 100000 --bad-ratio 0.05\n" +
			"  feedstream publish --key 192.168.2.17 --value 2318.HK,1605760851123",
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if cmd.Flags().Changed("key") && !cmd.Flags().Changed("value") {
				return cli.Usage(errors.New("--key is of one record: give its --value too, which may be empty"))
			}
			if err := cfg.Validate(); err != nil {
				return cli.Usage(err)
			}
			t, err := where.Target()
			if err != nil {
				return err
			}
			if cfg.Options, err = t.KafkaOptions(); err != nil {
				return err
			}
			cfg.Brokers, cfg.Topic = t.Kafka.Brokers, t.Names.Topics.Input
			if one.Key != "" || one.Value != "" {
				origins, err := trace.Publish(cmd.Context(), t, one)
				if err != nil {
					return err
				}
				if asJSON {
					return cli.PrintJSON(cmd.OutOrStdout(), origins)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "published as %s: `feedstream trace --at %[1]s` follows it\n", origins[0])
				return nil
			}
			bar := cli.Bar(cmd.ErrOrStderr(), "publishing", int64(cfg.Records), progressbar.OptionShowIts())
			cfg.Progress = func(acknowledged int) { _ = bar.Set(acknowledged) }
			counts, err := simulate.Run(cmd.Context(), cfg)
			_ = bar.Finish()
			if err != nil {
				return err
			}
			if asJSON {
				return cli.PrintJSON(cmd.OutOrStdout(), counts)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "published %d records: %d with an unknown stock, %s\n", counts.Published, counts.Unknown, badOf(counts))
			return nil
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&cfg.Records, "records", 1000, "how many records")
	flags.Float64Var(&cfg.Rate, "rate", 0, "records per second; 0 is as fast as it goes")
	flags.StringVar(&one.Key, "key", "", "publish one record of this key, and not simulated ones; with --value")
	flags.StringVar(&one.Value, "value", "", "and of this value, as it is")
	flags.IntVar(&cfg.Senders, "senders", 256, "addresses 192.168.2.0 and up")
	flags.Uint64Var(&cfg.Seed, "seed", 1, "equal seeds publish equal records, apart from their times")
	flags.Float64Var(&cfg.BadRatio, "bad-ratio", 0, "share of records that must be set aside, 0 to 1")
	flags.Float64Var(&cfg.UnknownRatio, "unknown-ratio", 0, "share of records with an unknown stock, 0 to 1")
	flags.IntVar(&cfg.ValueBytes, "value-bytes", 0, "how many bytes a good value has at least; 0 is the article's form")
	flags.BoolVar(&asJSON, "json", false, "print the counts as JSON")
	where.AddFlags(cmd)
	return cmd
}

// badOf says how many records are bad, by reason.
func badOf(counts simulate.Counts) string {
	var each []string
	for _, reason := range slices.Sorted(maps.Keys(counts.Bad)) {
		each = append(each, fmt.Sprintf("%d %s", counts.Bad[reason], reason))
	}
	if each == nil {
		return "none bad"
	}
	return "bad ones: " + strings.Join(each, ", ")
}
