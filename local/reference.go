package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"feedstream/shared/reference"
)

func referenceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reference",
		Short: "The snapshots of the reference: list, show, diff, pin, unpin, rollback",
		Args:  exactly(0),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(listCommand(), showCommand(), diffCommand(), pinCommand(), unpinCommand(), rollbackCommand())
	return cmd
}

// reading prints what it reads of a reference; args are those of the verb.
type reading func(ctx context.Context, w io.Writer, a *reference.Announcer, args []string, asJSON bool) error

// readVerb completes a verb that only reads OSS, wherever that is.
func readVerb(read reading, cmd *cobra.Command) *cobra.Command {
	var where place
	var asJSON bool
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		t, err := where.target()
		if err != nil {
			return err
		}
		announcer, err := t.Announcer()
		if err != nil {
			return err
		}
		err = read(cmd.Context(), cmd.OutOrStdout(), announcer, args, asJSON)
		if errors.Is(err, reference.ErrDamaged) {
			return fmt.Errorf("%w: `feedstream refresh` mends what is announced, `feedstream reference list` "+
				"names the versions", err)
		}
		return err
	}
	where.addFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func showCommand() *cobra.Command {
	return readVerb(showManifest, &cobra.Command{
		Use: "show", Short: "The manifest now announced", Example: "  feedstream reference show", Args: exactly(0),
	})
}

// showManifest prints JSON in any case: a manifest is JSON for people and machines alike.
func showManifest(ctx context.Context, w io.Writer, a *reference.Announcer, _ []string, _ bool) error {
	m, found, err := a.Current(ctx)
	if err != nil {
		return err
	}
	if !found {
		return errors.New("no snapshot was ever announced: run `feedstream refresh`")
	}
	return printJSON(w, m)
}
