// Command enrich is the function feed-enrich: a push of the Kafka event stream comes in, rows go to
// HBase, records and rejected deliveries to Kafka. Enricher.Push in enrich.go is the whole order.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"feedstream/shared/config"
	"feedstream/shared/fc"
	"feedstream/shared/hbase"
	"feedstream/shared/reference"
	"feedstream/shared/telemetry"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, "feed-enrich:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, environ []string) error {
	var cfg Config
	if err := config.Load(&cfg, environ); err != nil {
		return err
	}
	logger := fc.NewLogger(os.Stdout, cfg.Server.LogLevel, fc.InstanceOf(environ))

	clients, err := newClients(&cfg, logger)
	if err != nil {
		return err
	}
	defer clients.Close()
	told, err := telemetry.New(ctx, tellAs(&cfg, environ, logger))
	if err != nil {
		return err
	}
	layouts := &hbase.Layouts{
		Catalog: clients.hbase, Table: cfg.HBase.Table, Index: cfg.HBase.Index, Now: time.Now, Logger: logger,
	}
	enricher := &Enricher{
		Snapshots: reference.NewCache(reference.CacheConfig{
			Objects: clients.oss, Prefix: string(cfg.OSS.Prefix), CheckInterval: cfg.Freshness.CheckInterval,
			MaxAge: cfg.Freshness.MaxAge, FailWhenStale: cfg.Freshness.StalePolicy == "fail", Now: time.Now, Logger: logger,
		}),
		Layouts: layouts, Rows: clients.hbase, Topics: clients.kafka,
		OutputTopic: cfg.Topics.Output, QuarantineTopic: cfg.Topics.Quarantine,
		Now: time.Now, Logger: logger, Telemetry: told,
	}
	return fc.Run(ctx, fc.Config{
		Addr: cfg.Server.Addr(), MemoryMB: cfg.Server.MemoryMB, Credentials: fc.EnvironmentCredentials(environ),
		Logger: logger, RequestLines: os.Stdout,
	}, fc.Function{
		Initialize: func(ctx context.Context) error {
			_, err := layouts.Layout(ctx)
			return err
		},
		Invoke: told.Flushing(enricher.Push),
	})
}
