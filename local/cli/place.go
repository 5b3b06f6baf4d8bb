package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"feedstream/local/repair"
	"feedstream/local/target"
	"feedstream/shared/config"
)

// Place is where a verb finds the services: those of a running local stack, or those that a file names.
type Place struct {
	Manifest string // path; --env takes the names from it

	data, env string
}

// AddFlags lets a command line say where.
func (p *Place) AddFlags(cmd *cobra.Command) {
	AddDataFlag(cmd, &p.data)
	cmd.Flags().StringVar(&p.env, "env", "", "file that names other services, as NAME=value lines with the functions' variables")
	cmd.Flags().StringVar(&p.Manifest, "manifest", "s.yaml", "the Serverless Devs manifest that names topics and table; with --env")
}

// AddDataFlag is for verbs that need a running stack.
func AddDataFlag(cmd *cobra.Command, data *string) {
	cmd.Flags().StringVar(data, "data", ".feedstream", "data directory of the running stack")
}

// Running is for verbs that call a function: only the functions of a running local stack are called.
// remedy says what to do where the functions are others.
func (p *Place) Running(remedy string) (*target.Endpoints, error) {
	if p.env != "" {
		return nil, UsageError{fmt.Errorf(
			"this calls a function of the stack that runs on --data, --env names services only: %s", remedy)}
	}
	return target.Running(p.data)
}

// Elsewhere tells whether a file names the services, in place of a running stack.
func (p *Place) Elsewhere() bool { return p.env != "" }

// Target says where the services are.
func (p *Place) Target() (*target.Target, error) {
	if p.env == "" {
		t, err := target.FromStack(p.data)
		return &t, err
	}
	t, _, err := target.FromFile(p.env, p.Manifest)
	return &t, err
}

// Environment gives a manifest its variables, as a deployment would: from the file of --env, and from the environment.
func (p *Place) Environment() (func(name string) (value string, set bool), error) {
	if p.env == "" {
		return os.LookupEnv, nil
	}
	values, err := config.ReadFile(p.env)
	if err != nil {
		return nil, err
	}
	return func(name string) (string, bool) {
		written, inFile := values[name]
		if value, set := os.LookupEnv(name); set && written == "" {
			return value, true
		}
		return written, inFile
	}, nil
}

// Feed is the feed of the place, for its repair. With --env none of its functions is called.
func (p *Place) Feed() (*repair.Feed, error) {
	if p.env == "" {
		return repair.OfStack(p.data)
	}
	t, err := p.Target()
	if err != nil {
		return nil, err
	}
	return repair.Of(t)
}
