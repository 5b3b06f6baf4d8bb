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
	"feedstream/shared/kafka"
	"feedstream/shared/oss"
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

	producer, err := kafka.New(kafka.Config{
		Brokers: cfg.Kafka.Brokers, TLS: cfg.Kafka.TLS, Roots: cfg.Kafka.CA.Pool(), SASLMechanism: cfg.Kafka.SASLMechanism,
		SASLUsername: cfg.Kafka.SASLUsername, SASLPassword: cfg.Kafka.SASLPassword,
	})
	if err != nil {
		return err
	}
	defer producer.Close()
	hbaseClient, err := hbase.New(hbase.Config{
		ZooKeeper: string(cfg.HBase.ZooKeeper), Root: cfg.HBase.ZooKeeperRoot, Logger: logger,
	})
	if err != nil {
		return err
	}
	defer hbaseClient.Close()
	bucket, err := oss.New(oss.Config{Endpoint: cfg.OSS.Endpoint, Region: cfg.OSS.Region, Bucket: cfg.OSS.Bucket},
		func(ctx context.Context) (oss.Credentials, error) {
			return oss.Credentials(fc.CredentialsFrom(ctx)), nil
		})
	if err != nil {
		return err
	}

	told, err := telemetry.New(ctx, tellAs(&cfg, environ, logger))
	if err != nil {
		return err
	}
	layouts := &hbase.Layouts{
		Catalog: hbaseClient, Table: cfg.HBase.Table, Index: cfg.HBase.Index, Now: time.Now, Logger: logger,
	}
	enricher := &Enricher{
		Snapshots: reference.NewCache(reference.CacheConfig{
			Objects: bucket, Prefix: string(cfg.OSS.Prefix), CheckInterval: cfg.Freshness.CheckInterval,
			MaxAge: cfg.Freshness.MaxAge, FailWhenStale: cfg.Freshness.StalePolicy == "fail", Now: time.Now, Logger: logger,
		}),
		Layouts: layouts, Rows: hbaseClient, Topics: producer,
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
