// Command feedstream runs the whole stack on one machine and talks to it, or to a deployed one.
//
//	feedstream up              embedded services, the functions of s.yaml, a simulated feed, the console
//	feedstream publish         the article's publisher
//	feedstream load-reference  a CSV file into MongoDB
//	feedstream refresh         the refresh function, now
//	feedstream reference       the snapshots in OSS: compared, pinned, rolled back
//	feedstream query           the query function, as a table
//	feedstream invoke          any function, here or in the cloud, with an event or the sample of a trigger
//	feedstream logs            what a function printed
//	feedstream doctor          s.yaml as it would be deployed or, with --live, every service
//	feedstream cost            what a month of the feed costs
//	feedstream plan            how large its services must be
//	feedstream faults          what goes wrong in the running stack, by rules
//	feedstream retry           failed pushes again, without their wait
//	feedstream trace           the way of one record from its bytes to its row
//	feedstream audit           has every input record its verdict, and every row its index row?
//	feedstream quarantine      what the function set aside: list, show, mend and redrive
//	feedstream deadletter      the same of pushes that the platform gave up on
//	feedstream replay          input records, or the records of rows, through the function again
//
// It exits with 0 when all is well, 1 when something is wrong or was found wrong, 2 on wrong usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"feedstream/local/cli"
	"feedstream/local/cli/reckon"
	"feedstream/local/cli/reference"
	"feedstream/shared/build"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:           "feedstream",
		Short:         "Run the feed-enrichment stack on this machine, and talk to it",
		Version:       build.Read().String(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cli.Usage(err) })
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(reference.Commands()...)
	root.AddCommand(reckon.Commands()...)
	root.AddCommand(upCommand(), publishCommand(), queryCommand(), auditCommand(), doctorCommand(),
		quarantineCommand(), deadLetterCommand(), replayCommand(), faultsCommand(), invokeCommand(), logsCommand(),
		retryCommand(), traceCommand())
	err := root.ExecuteContext(ctx)
	var usage cli.UsageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, cli.ErrFound):
		return 1
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "feedstream: %v\nrun `feedstream --help` for the verbs and their flags\n", err)
		return 2
	default:
		fmt.Fprintf(stderr, "feedstream: %v\n", err)
		return 1
	}
}
