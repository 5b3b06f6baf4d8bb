package doctor

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"feedstream/local/platform/manifest"
	"feedstream/local/target"
)

// lookTimeout bounds the look at one service: one that is away must not hold up the others.
const lookTimeout = 20 * time.Second

// Files looks at a manifest and at the template.yml beside it, if there is one.
func Files(manifestPath string) []Finding {
	m, err := manifest.Load(manifestPath)
	if err != nil {
		return []Finding{bad("manifest", "correct "+manifestPath+" at the lines named", "%v", err)}
	}
	findings := []Finding{good("manifest", "%s declares %d functions", manifestPath, len(m.Functions))}
	return append(findings, Template(manifestPath, filepath.Join(filepath.Dir(manifestPath), "template.yml"))...)
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
	return Kafka(ctx, t.Address(target.Kafka), t.Names.Topics, t.Names.Group, options...), nil
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
