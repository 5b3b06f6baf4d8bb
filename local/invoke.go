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
)

func invokeCommand() *cobra.Command {
	var place cli.Place
	var event, file, sample, service string
	cmd := &cobra.Command{
		Use:   "invoke FUNCTION",
		Short: "Call a function of the local stack or of the cloud with an event, and print its answer",
		Long: `The event is given with --event or --file, or is the sample of a trigger: a push of one update, the event of a timer,
or a request over HTTP. A push writes its row and its record as any other does, with no input record behind them. The
sample for feed-enrich is of a topic, a sender and a stock of its own, and the audit counts it apart; an event of your
own it names as a stray, unless its origin is a record's.

With --env the function is called where it is deployed: at FC_ENDPOINT, or at the API of the account FEED_ACCOUNT_ID in
FEED_REGION, by the key ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and, of temporary credentials,
ALIBABA_CLOUD_SECURITY_TOKEN. What the file leaves out is taken from the environment.`,
		Example: `  feedstream invoke feed-refresh --sample timer
  feedstream invoke feed-enrich --sample kafka
  feedstream invoke feed-query --sample http
  feedstream invoke feed-refresh -e '{"action":"refresh"}' --env deploy.env`,
		Args: cli.Exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("event") == (cmp.Or(file, sample) != "") || file != "" && sample != "" {
				return cli.Usage(errors.New("give one of --event, --file and --sample"))
			}
			content := []byte(event)
			if file != "" {
				var err error
				if content, err = os.ReadFile(file); err != nil {
					return fmt.Errorf("read the event: %w", err)
				}
			}
			answer, err := call(cmd.Context(), &place, service, args[0], content, sample)
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
	cmd.Flags().StringVar(&service, "service", "", "with --env: the service of Function Compute 2.0 that has the function; 3.0 has none")
	place.AddFlags(cmd)
	return cmd
}

// call hands an event, or a sample, to a function.
func call(ctx context.Context, place *cli.Place, service, function string, event []byte, sample string) ([]byte, error) {
	if place.Elsewhere() {
		return callCloud(ctx, place, service, function, event, sample)
	}
	if service != "" {
		return nil, cli.Usage(errors.New("--service is of the cloud: give --env with it"))
	}
	running, err := place.Running("")
	if err != nil {
		return nil, err
	}
	client := invoke.Of(running)
	if sample == invoke.SampleHTTP {
		return client.Request(ctx, function, invoke.SampleRequest(function, running.Names, time.Now()))
	}
	if event, err = eventOf(sample, event); err != nil {
		return nil, err
	}
	return client.Function(function, event)
}

func callCloud(ctx context.Context, place *cli.Place, service, function string, event []byte, sample string) ([]byte, error) {
	if sample == invoke.SampleHTTP {
		return nil, cli.Usage(fmt.Errorf("an HTTP trigger of the cloud is asked at its own address: `s %s info` prints it", function))
	}
	env, err := place.Environment()
	if err != nil {
		return nil, err
	}
	cloud, err := invoke.CloudOf(env, service)
	if err != nil {
		return nil, err
	}
	if event, err = eventOf(sample, event); err != nil {
		return nil, err
	}
	return cloud.Function(ctx, function, event)
}

// eventOf is the event itself, or a sample.
func eventOf(sample string, event []byte) ([]byte, error) {
	if sample == "" {
		return event, nil
	}
	event, err := invoke.SampleEvent(sample, time.Now())
	if err != nil {
		return nil, cli.Usage(err)
	}
	return event, nil
}
