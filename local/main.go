// Command feedstream runs the whole stack on one machine and talks to it, or to a deployed one.
//
//	feedstream up              embedded services, the functions of s.yaml, a simulated feed, the console
//	feedstream publish         the article's publisher
//	feedstream load-reference  a CSV file into MongoDB
//	feedstream refresh         the refresh function, now
//	feedstream reference       the snapshots in OSS
//	feedstream query           the query function, as a table
//	feedstream doctor          s.yaml and, with --live, every service
//	feedstream faults          what goes wrong in the running stack, by rules
//	feedstream audit           has every input record its verdict, and every row its index row?
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

	"feedstream/shared/build"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// usageError ends a command with exit code 2.
type usageError struct{ error }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:           "feedstream",
		Short:         "Run the feed-enrichment stack on this machine, and talk to it",
		Version:       build.Read().String(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(upCommand(), publishCommand(), loadReferenceCommand(), refreshCommand(), referenceCommand(),
		queryCommand(), auditCommand(), doctorCommand(), faultsCommand())
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFound):
		return 1
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "feedstream: %v\nrun `feedstream --help` for the verbs and their flags\n", err)
		return 2
	default:
		fmt.Fprintf(stderr, "feedstream: %v\n", err)
		return 1
	}
}

// exactly is cobra.ExactArgs with this command's exit code for wrong usage.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("%s takes %d arguments, got %d", cmd.CommandPath(), n, len(args))}
		}
		return nil
	}
}
