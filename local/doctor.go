package main

import (
	"github.com/spf13/cobra"

	"feedstream/local/doctor"
	"feedstream/local/target"
)

func doctorCommand() *cobra.Command {
	var where place
	var live, asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check s.yaml, template.yml and, with --live, every service; exit 1 names what is wrong and what mends it",
		Example: `  feedstream doctor
  feedstream doctor --live
  feedstream doctor --live --env production.env --json`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings := doctor.Files(where.manifest)
			if live {
				t, err := where.target()
				if err != nil {
					return err
				}
				findings = append(findings, doctor.Services(cmd.Context(), t, target.Kafka, target.HBase, target.OSS, target.MongoDB)...)
				findings = append(findings, doctor.Pushes(cmd.Context(), t)...)
			}
			return printFindings(cmd.OutOrStdout(), findings, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&live, "live", false, "look at the services too: those of the running local stack, or those of --env")
	flags.BoolVar(&asJSON, "json", false, "print the findings as JSON")
	where.addFlags(cmd)
	return cmd
}
