package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
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
	var rows []table.Row
	for _, v := range versions {
		written := v.Written.Format(time.RFC3339)
		if v.Missing {
			written = "MISSING"
		}
		rows = append(rows, table.Row{v.Version, v.State, v.Object, v.Bytes, written})
	}
	printTable(w, table.Row{"version", "state", "object", "bytes", "written"}, rows)
	return damaged
}
