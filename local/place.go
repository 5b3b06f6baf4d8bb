package main

import (
	"fmt"

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

// running is for verbs that call a function: only the functions of a running local stack are called.
// remedy says what to do where the functions are others.
func (p *place) running(remedy string) (*target.Endpoints, error) {
	if p.env != "" {
		return nil, usageError{fmt.Errorf(
			"this calls a function of the stack that runs on --data, --env names services only: %s", remedy)}
	}
	return target.Running(p.data)
}

func (p *place) target() (*target.Target, error) {
	if p.env == "" {
		t, err := target.FromStack(p.data)
		return &t, err
	}
	t, _, err := target.FromFile(p.env, p.manifest)
	return &t, err
}
