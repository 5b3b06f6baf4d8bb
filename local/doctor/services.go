package doctor

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"feedstream/local/doctor/rules"
	"feedstream/local/platform/manifest"
	"feedstream/local/target"
)

// lookTimeout bounds the look at one service: one that is away must not hold up the others.
const lookTimeout = 20 * time.Second

// Deployment looks at a manifest as it would be deployed, rule by rule, and at the template.yml beside it, if there is
// one. Env gives the manifest its variables.
func Deployment(manifestPath string, env func(string) (string, bool)) []Finding {
	problems, err := rules.Check(manifestPath, env)
	if err != nil {
		return []Finding{bad("manifest", "name it with --manifest", "%v", err)}
	}
	var findings []Finding
	for _, p := range problems {
		f := bad(p.Rule, p.Remedy, "%s:%d: %s", manifestPath, p.Line, p.What)
		f.File, f.Line = manifestPath, p.Line
		findings = append(findings, f)
	}
	if len(findings) == 0 {
		findings = append(findings, good("deployment", "%s breaks none of %d rules", manifestPath, len(rules.Names())))
	}
	return append(findings, withTemplate(manifestPath)...)
}

// Files looks at a manifest as a local stack reads it, and at the template.yml beside it, if there is one.
func Files(manifestPath string) []Finding {
	m, err := manifest.Load(manifestPath)
	if err != nil {
		return []Finding{bad("manifest", "correct "+manifestPath+" at the lines named", "%v", err)}
	}
	findings := []Finding{good("manifest", "%s declares %d functions", manifestPath, len(m.Functions))}
	return append(findings, withTemplate(manifestPath)...)
}

func withTemplate(manifestPath string) []Finding {
	return Template(manifestPath, filepath.Join(filepath.Dir(manifestPath), "template.yml"))
}

// Services looks at those of the services that the target has, each within its own time.
func Services(ctx context.Context, t *target.Target, services ...target.Service) (findings []Finding) {
	for _, each := range []struct {
		service target.Service
		look    func(context.Context, *target.Target) ([]Finding, error)
	}{
		{target.Kafka, lookAtKafka}, {target.HBase, lookAtHBase}, {target.OSS, lookAtOSS}, {target.MongoDB, lookAtMongoDB},
	} {
		if !t.Has(each.service) || !slices.Contains(services, each.service) {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, lookTimeout)
		found, err := each.look(limited, t)
		cancel()
		if err != nil {
			found = []Finding{bad(string(each.service), "correct the variables of this service", "%v", err)}
		}
		findings = append(findings, found...)
	}
	return findings
}

func lookAtKafka(ctx context.Context, t *target.Target) ([]Finding, error) {
	options, err := t.KafkaOptions()
	if err != nil {
		return nil, err
	}
	names := t.Names
	if t.Console != "" {
		names.Tasks = 0 // of a local stack: nobody bills them
	}
	return Kafka(ctx, t.Address(target.Kafka), names, options...), nil
}

func lookAtHBase(ctx context.Context, t *target.Target) ([]Finding, error) {
	table, err := t.Table(0)
	if err != nil {
		return nil, err
	}
	defer table.Close()
	return Table(ctx, t.Address(target.HBase), table, t.Names.Table, t.Names.Index), nil
}

func lookAtOSS(ctx context.Context, t *target.Target) ([]Finding, error) {
	objects, err := t.Objects()
	if err != nil {
		return nil, err
	}
	return []Finding{Snapshot(ctx, t.Address(target.OSS), objects, t.Names.Prefix, time.Now)}, nil
}

func lookAtMongoDB(ctx context.Context, t *target.Target) ([]Finding, error) {
	source, err := t.Source()
	if err != nil {
		return nil, err
	}
	defer source.Close()
	return []Finding{Collection(ctx, source)}, nil
}
