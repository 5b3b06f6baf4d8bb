package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"feedstream/local/invoke"
	"feedstream/shared/reference"
)

// commandVerb completes a verb that has the refresh function carry out a command. An argument is the version.
func commandVerb(command *reference.Command, cmd *cobra.Command) *cobra.Command {
	var where place
	var asJSON bool
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			command.Version = args[0]
		}
		event, err := json.Marshal(command)
		if err != nil {
			return err
		}
		running, err := where.running(fmt.Sprintf("invoke the refresh function there with the event %s", event))
		if err != nil {
			return err
		}
		outcome, err := invoke.Of(running).Reference(running.Names.Refresh, *command)
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), outcome)
		}
		printOutcome(cmd.OutOrStdout(), outcome)
		return nil
	}
	where.addFlags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what the function answers")
	return cmd
}

func printOutcome(w io.Writer, o reference.Outcome) {
	for _, damage := range o.Mended {
		fmt.Fprintf(w, "mended: %s\n", damage)
	}
	if o.Action == reference.ActionPin || o.Action == reference.ActionRollback {
		fmt.Fprintf(w, "version %s is pinned, revision %d, %d entries: "+
			"refreshes leave it alone until `feedstream reference unpin`\n",
			o.Version, o.Revision, o.Entries)
		return
	}
	state := "unchanged"
	switch {
	case o.Pinned:
		state = "pinned, left alone"
	case o.Changed:
		state = "new"
	}
	fmt.Fprintf(w, "version %s (%s), revision %d: %d entries of %d documents, %d rejected\n",
		o.Version, state, o.Revision, o.Entries, o.Report.Read, o.Report.Rejected)
	if o.Refusal != "" {
		fmt.Fprintf(w, "unpinned, it would fail: %s\n", o.Refusal)
	}
}
