package audit

import (
	"context"
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
	table, err := t.Table(scanTimeout)
	if err != nil {
		return Report{}, err
	}
	defer table.Close()
	layouts := &hbase.Layouts{
		Catalog: table, Table: t.Names.Table, Index: t.Names.Index, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	}
	looking, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	layout, err := layouts.Layout(looking)
	if err != nil {
		return Report{}, fmt.Errorf("check the layout of the table: %w", err)
	}
	cfg.Kafka = Kafka{Brokers: t.Kafka.Brokers, Options: options}
	cfg.Topics, cfg.Group = t.Names.Topics, t.Names.Group
	cfg.Table = Phoenix{Scanner: table, Layout: layout}
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
