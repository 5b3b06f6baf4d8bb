package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"feedstream/local/doctor"
	"feedstream/local/platform/manifest"
	"feedstream/shared/feed"
	"feedstream/shared/hbase"
	"feedstream/shared/mongo"
	"feedstream/shared/oss"
)

// lookTimeout bounds the look at one service: one that is away must not hold up the others.
const lookTimeout = 20 * time.Second

func doctorCommand() *cobra.Command {
	var where place
	var manifestPath string
	var live, asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check s.yaml, template.yml and, with --live, every service; exit 1 names what is wrong and what mends it",
		Example: `  feedstream doctor
  feedstream doctor --live
  feedstream doctor --live --env production.env --json`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			findings := checkFiles(manifestPath)
			if live {
				e, err := where.environment()
				if err != nil {
					return err
				}
				findings = append(findings, e.look(cmd.Context(), append(atStart, "OSS_ENDPOINT", "MONGODB_URI")...)...)
			}
			return printFindings(cmd.OutOrStdout(), findings, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&manifestPath, "manifest", "s.yaml", "the Serverless Devs manifest of the functions")
	flags.BoolVar(&live, "live", false, "look at the services too: those of the running local stack, or those of --env")
	flags.BoolVar(&asJSON, "json", false, "print the findings as JSON")
	where.addFlags(cmd)
	return cmd
}

// checkFiles looks at the manifest and at the template.yml beside it, if there is one.
func checkFiles(path string) []doctor.Finding {
	m, err := manifest.Load(path)
	if err != nil {
		return []doctor.Finding{{Check: "manifest", Detail: err.Error(), Remedy: "correct " + path + " at the lines named"}}
	}
	good := doctor.Finding{Check: "manifest", OK: true, Detail: fmt.Sprintf("%s declares %d functions", path, len(m.Functions))}
	return append([]doctor.Finding{good}, doctor.Template(path, filepath.Join(filepath.Dir(path), "template.yml"))...)
}

// atStart are the services that must be ready before a stack starts. The reference may be empty then.
var atStart = []string{"KAFKA_BROKERS", "HBASE_ZOOKEEPER"}

// look checks the services of the given variables that are named, each within its own time.
func (e environment) look(ctx context.Context, variables ...string) (findings []doctor.Finding) {
	for _, service := range []struct {
		variable string
		look     func(context.Context) ([]doctor.Finding, error)
	}{
		{"KAFKA_BROKERS", e.lookAtKafka}, {"HBASE_ZOOKEEPER", e.lookAtHBase},
		{"OSS_ENDPOINT", e.lookAtOSS}, {"MONGODB_URI", e.lookAtMongoDB},
	} {
		if !e.names(service.variable) || !slices.Contains(variables, service.variable) {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, lookTimeout)
		found, err := service.look(limited)
		cancel()
		if err != nil {
			found = []doctor.Finding{{Check: service.variable, Detail: err.Error(), Remedy: "correct the variables of this service"}}
		}
		findings = append(findings, found...)
	}
	return findings
}

func (e environment) lookAtKafka(ctx context.Context) ([]doctor.Finding, error) {
	k, err := e.kafka()
	if err != nil {
		return nil, err
	}
	return doctor.Kafka(ctx, e["KAFKA_BROKERS"], feed.Topics(topics), kafkaOptions(k)...), nil
}

func (e environment) lookAtHBase(ctx context.Context) ([]doctor.Finding, error) {
	settings, err := e.hbase()
	if err != nil {
		return nil, err
	}
	settings.Logger = slog.New(slog.DiscardHandler)
	client, err := hbase.New(settings)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return doctor.Table(ctx, e["HBASE_ZOOKEEPER"], client, hbaseTable, hbaseIndex), nil
}

func (e environment) lookAtOSS(ctx context.Context) ([]doctor.Finding, error) {
	objects, err := e.bucket()
	if err != nil {
		return nil, err
	}
	return []doctor.Finding{doctor.Snapshot(ctx, e["OSS_ENDPOINT"], objects, referencePrefix, time.Now)}, nil
}

func (e environment) lookAtMongoDB(ctx context.Context) ([]doctor.Finding, error) {
	source, err := e.source()
	if err != nil {
		return nil, err
	}
	defer source.Close()
	return []doctor.Finding{doctor.Collection(ctx, source)}, nil
}

func (e environment) bucket() (*oss.Bucket, error) {
	settings, err := e.oss()
	if err != nil {
		return nil, err
	}
	return oss.New(settings, func(context.Context) (oss.Credentials, error) { return e.credentials(), nil })
}

func (e environment) source() (*mongo.Source, error) {
	settings, err := e.mongo()
	if err != nil {
		return nil, err
	}
	return mongo.New(settings)
}

func printFindings(w io.Writer, findings []doctor.Finding, asJSON bool) error {
	problems := doctor.Problems(findings)
	if asJSON {
		if err := printJSON(w, findings); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			if f.OK {
				fmt.Fprintf(w, "ok     %s: %s\n", f.Check, f.Detail)
			} else {
				fmt.Fprintf(w, "WRONG  %s: %s\n       remedy: %s\n", f.Check, f.Detail, f.Remedy)
			}
		}
	}
	if problems != nil {
		return errFound
	}
	return nil
}
