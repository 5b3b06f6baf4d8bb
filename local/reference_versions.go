package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"feedstream/shared/reference"
)

func listCommand() *cobra.Command {
	return readVerb(listVersions, &cobra.Command{
		Use: "list", Short: "The versions in OSS, newest first", Example: "  feedstream reference list --json",
		Args: exactly(0),
	})
}

// listVersions prints the versions that there are even when the manifest is damaged, and then says so:
// one of them may be what to pin.
func listVersions(ctx context.Context, w io.Writer, a *reference.Announcer, _ []string, asJSON bool) error {
	versions, damaged := a.History(ctx)
	if damaged != nil && !errors.Is(damaged, reference.ErrDamaged) {
		return damaged
	}
	if asJSON {
		return errors.Join(printJSON(w, versions), damaged)
	}
	printVersions(w, versions)
	return damaged
}

func diffCommand() *cobra.Command {
	return readVerb(diffVersions, &cobra.Command{
		Use: "diff BEFORE AFTER", Short: "What two versions do not hold alike", Args: exactly(2),
		Example: "  feedstream reference diff 20261124T120000Z-0123abcd 20261125T120000Z-89abcdef --json",
	})
}

func diffVersions(ctx context.Context, w io.Writer, a *reference.Announcer, args []string, asJSON bool) error {
	differences, err := a.Diff(ctx, args[0], args[1])
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, differences)
	}
	printDifferences(w, differences)
	return nil
}
