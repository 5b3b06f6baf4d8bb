package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"feedstream/local/cli"
	"feedstream/local/invoke"
	"feedstream/local/target"
)

func invokeCommand() *cobra.Command {
	var data, event, file, sample string
	cmd := &cobra.Command{
		Use:   "invoke FUNCTION",
		Short: "Call a function of the local stack with an event, and print its answer",
		Long: `The event is given with --event or --file, or is the sample of a trigger: a push of one update, the event of a timer,
or a request over HTTP. A push writes its row and its record as any other does, with no input record behind them: the
audit counts them as too many.`,
		Example: `  feedstream invoke feed-refresh --sample timer
  feedstream invoke feed-query --sample http
  feedstream invoke feed-refresh -e '{"triggerName":"x","payload":"refresh"}'`,
		Args: cli.Exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("event") == (cmp.Or(file, sample) != "") || file != "" && sample != "" {
				return cli.Usage(errors.New("give one of --event, --file and --sample"))
			}
			running, err := target.Running(data)
			if err != nil {
				return err
			}
			content := []byte(event)
			if file != "" {
				if content, err = os.ReadFile(file); err != nil {
					return fmt.Errorf("read the event: %w", err)
				}
			}
			answer, err := call(cmd.Context(), running, args[0], content, sample)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", answer)
			return err
		},
	}
	cmd.Flags().StringVarP(&event, "event", "e", "", "the event, as text")
	cmd.Flags().StringVarP(&file, "file", "f", "", "file that holds the event")
	cmd.Flags().StringVar(&sample, "sample", "", "kafka, timer or http: what such a trigger would hand over")
	cli.AddDataFlag(cmd, &data)
	return cmd
}

// call hands an event, or a sample, to a function.
func call(ctx context.Context, running *target.Endpoints, function string, event []byte, sample string) (answer []byte, err error) {
	client := invoke.Of(running)
	switch sample {
	case "":
	case invoke.SampleHTTP:
		return client.Request(ctx, function, invoke.SampleRequest(function, running.Names, time.Now()))
	default:
		if event, err = invoke.SampleEvent(sample, running.Names, time.Now()); err != nil {
			return nil, cli.Usage(err)
		}
	}
	return client.Function(function, event)
}
