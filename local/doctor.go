package main

import (
	"github.com/spf13/cobra"

	"feedstream/local/cli"
	"feedstream/local/doctor"
	"feedstream/local/target"
)

func doctorCommand() *cobra.Command {
	var where cli.Place
	var live, asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check s.yaml, template.yml and, with --live, every service; exit 1 names what is wrong and what mends it",
		Example: `  feedstream doctor
  feedstream doctor --live
  feedstream doctor --live --env production.env --json`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings := doctor.Files(where.Manifest)
			if live {
				t, err := where.Target()
				if err != nil {
					return err
				}
				findings = append(findings, doctor.Services(cmd.Context(), t, target.Kafka, target.HBase, target.OSS, target.MongoDB)...)
				findings = append(findings, doctor.Pushes(cmd.Context(), t)...)
			}
			return cli.PrintFindings(cmd.OutOrStdout(), findings, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&live, "live", false, "look at the services too: those of the running local stack, or those of --env")
	flags.BoolVar(&asJSON, "json", false, "print the findings as JSON")
	where.AddFlags(cmd)
	return cmd
}
