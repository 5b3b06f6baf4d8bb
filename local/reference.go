package main

import (
	"errors"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

func referenceCommand() *cobra.Command {
	var where place
	var asJSON bool
	cmd := &cobra.Command{Use: "reference", Short: "The snapshots of the reference: list, show", Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	show := &cobra.Command{Use: "show", Short: "The manifest now announced", Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return showManifest(cmd, &where) }}
	list := &cobra.Command{Use: "list", Short: "The snapshots in OSS, newest first", Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return listSnapshots(cmd, &where, asJSON) }}
	for _, sub := range []*cobra.Command{show, list} {
		where.addFlags(sub)
		sub.Flags().BoolVar(&asJSON, "json", false, "print JSON")
		cmd.AddCommand(sub)
	}
	return cmd
}

func showManifest(cmd *cobra.Command, where *place) error {
	t, err := where.target()
	if err != nil {
		return err
	}
	announcer, err := t.Announcer()
	if err != nil {
		return err
	}
	m, found, err := announcer.Current(cmd.Context())
	if err != nil {
		return err
	}
	if !found {
		return errors.New("no snapshot was ever announced: run `feedstream refresh`")
	}
	return printJSON(cmd.OutOrStdout(), m) // a manifest is JSON for people and machines alike
}

func listSnapshots(cmd *cobra.Command, where *place, asJSON bool) error {
	t, err := where.target()
	if err != nil {
		return err
	}
	bucket, err := t.Objects()
	if err != nil {
		return err
	}
	objects, err := bucket.List(cmd.Context(), t.Names.Prefix+"snapshots/")
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), objects)
	}
	var rows []table.Row
	for _, o := range slices.Backward(objects) {
		rows = append(rows, table.Row{o.Key, o.Size, o.LastModified.Format(time.RFC3339)})
	}
	printTable(cmd.OutOrStdout(), table.Row{"object", "bytes", "written"}, rows)
	return nil
}
