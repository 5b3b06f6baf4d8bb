package reference

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"feedstream/local/cli"
	"feedstream/local/data"
	"feedstream/shared/mongo"
)

func loadReferenceCommand() *cobra.Command {
	var where cli.Place
	var asJSON bool
	var options mongo.LoadOptions
	cmd := &cobra.Command{
		Use:     "load-reference FILE.csv",
		Short:   "Load a CSV file (Symbol, Company Name, Last Price, Volume) into MongoDB in one step",
		Example: "  feedstream load-reference hang-seng.csv && feedstream refresh",
		Args:    cli.Exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := where.Target()
			if err != nil {
				return err
			}
			content, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("load the reference: %w", err)
			}
			documents, err := data.Parse(content)
			if err != nil {
				return fmt.Errorf("load %s: %w", args[0], err)
			}
			source, err := t.Source()
			if err != nil {
				return err
			}
			defer source.Close()
			err = source.Load(cmd.Context(), documents, options)
			if shrink := new(mongo.ShrinkError); errors.As(err, &shrink) {
				return fmt.Errorf("load %s: %w: give --accept-shrink if it is meant", args[0], err)
			}
			if err != nil {
				return fmt.Errorf("load %s: %w", args[0], err)
			}
			if asJSON {
				return cli.PrintJSON(cmd.OutOrStdout(), map[string]int{"loaded": len(documents)})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "loaded %d stocks into MongoDB; `feedstream refresh` announces them\n", len(documents))
			return nil
		},
	}
	cmd.Flags().BoolVar(&options.AcceptShrink, "accept-shrink", false,
		"load also when more than a fifth of the stocks there are missing from the file")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	where.AddFlags(cmd)
	return cmd
}
