package main

import (
	"github.com/spf13/cobra"

	"feedstream/local/target"
)

// place is where a verb finds the services: those of a running local stack, or those that a file names.
type place struct{ data, env, manifest string }

func (p *place) addFlags(cmd *cobra.Command) {
	addDataFlag(cmd, &p.data)
	cmd.Flags().StringVar(&p.env, "env", "", "file that names other services, as NAME=value lines with the functions' variables")
	cmd.Flags().StringVar(&p.manifest, "manifest", "s.yaml", "the Serverless Devs manifest that names topics and table; with --env")
}

func addDataFlag(cmd *cobra.Command, data *string) {
	cmd.Flags().StringVar(data, "data", ".feedstream", "data directory of the running stack")
}

func (p *place) target() (*target.Target, error) {
	if p.env == "" {
		t, err := target.FromStack(p.data)
		return &t, err
	}
	t, _, err := target.FromFile(p.env, p.manifest)
	return &t, err
}
