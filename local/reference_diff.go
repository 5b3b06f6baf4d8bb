package main

import (
	"context"
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"feedstream/shared/reference"
)

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
	if len(differences) == 0 {
		fmt.Fprintln(w, "the two versions hold the same")
		return nil
	}
	var rows []table.Row
	for _, d := range differences {
		before, after := reference.Stock{}, reference.Stock{}
		if d.Before != nil {
			before = *d.Before
		}
		if d.After != nil {
			after = *d.After
		}
		rows = append(rows, table.Row{d.Change, d.Code, before.Name, before.Price, after.Name, after.Price})
	}
	printTable(w, table.Row{"change", "code", "name before", "price before", "name after", "price after"}, rows)
	return nil
}
