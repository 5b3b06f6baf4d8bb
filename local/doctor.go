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
		Short: "Check what would be deployed or, with --live, every service; exit 1 names what is wrong and what mends it",
		Long: `Without --live it looks at s.yaml as it would be deployed: each value resolved from the environment or the file of
--env, the zips that the functions come from, and template.yml. With --live it looks at the services.`,
		Example: `  feedstream doctor --env production.env
  feedstream doctor --live
  feedstream doctor --live --env production.env --json`,
		Args: cli.Exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !live {
				env, err := where.Environment()
				if err != nil {
					return err
				}
				return cli.PrintFindings(cmd.OutOrStdout(), doctor.Deployment(where.Manifest, env), asJSON)
			}
			t, err := where.Target()
			if err != nil {
				return err
			}
			findings := append(doctor.Files(where.Manifest),
				doctor.Services(cmd.Context(), t, target.Kafka, target.HBase, target.OSS, target.MongoDB)...)
			findings = append(findings, doctor.Pushes(cmd.Context(), t)...)
			return cli.PrintFindings(cmd.OutOrStdout(), findings, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&live, "live", false, "look at the services: those of the running local stack, or those of --env")
	flags.BoolVar(&asJSON, "json", false, "print the findings as JSON")
	where.AddFlags(cmd)
	return cmd
}
