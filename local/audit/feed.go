package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"feedstream/local/target"
	"feedstream/shared/hbase"
)

// tableTimeout bounds the look at the table's layout: a store that is away must not hold up the answer.
const tableTimeout = 20 * time.Second

// askTimeout bounds the question to a running stack.
const askTimeout = 5 * time.Second

// Open returns the table and the index of a feed, once they are laid out as they must be. The caller closes
// them by the function.
func Open(ctx context.Context, t *target.Target) (Phoenix, func() error, error) {
	table, err := t.Table(scanTimeout)
	if err != nil {
		return Phoenix{}, nil, err
	}
	layouts := &hbase.Layouts{
		Catalog: table, Table: t.Names.Table, Index: t.Names.Index, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	}
	looking, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	layout, err := layouts.Layout(looking)
	if err != nil {
		return Phoenix{}, nil, errors.Join(fmt.Errorf("check the layout of the table: %w", err), table.Close())
	}
	return Phoenix{Scanner: table, Layout: layout}, table.Close, nil
}

// Feed audits the topics, the table and the index of a feed.
func Feed(ctx context.Context, t *target.Target, from, to Bound) (Report, error) {
	return FeedWith(ctx, t, Config{From: from, To: to})
}

// FeedWith is Feed as a config says. What it leaves to the target, where things are, is filled in.
func FeedWith(ctx context.Context, t *target.Target, cfg Config) (Report, error) {
	options, err := t.KafkaOptions()
	if err != nil {
		return Report{}, err
	}
	table, closeTable, err := Open(ctx, t)
	if err != nil {
		return Report{}, err
	}
	defer closeTable()
	cfg.Kafka = Kafka{Brokers: t.Kafka.Brokers, Options: options}
	cfg.Topics, cfg.Group, cfg.Table = t.Names.Topics, t.Names.Group, table
	report, err := Run(ctx, cfg)
	if err != nil {
		return Report{}, err
	}
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if report.Failing, err = t.Failing(asking); err != nil {
		report.FailingUnknown = err.Error()
	}
	return report, nil
}
