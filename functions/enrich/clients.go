package main

import (
	"context"
	"log/slog"

	"feedstream/shared/fc"
	"feedstream/shared/hbase"
	"feedstream/shared/kafka"
	"feedstream/shared/oss"
)

// clients are those of the services that a push needs. Making them connects to nothing yet.
type clients struct {
	kafka *kafka.Producer
	hbase *hbase.Client
	oss   *oss.Bucket
}

// newClients returns clients to be closed, or an error and nothing to close.
func newClients(cfg *Config, logger *slog.Logger) (c clients, err error) {
	if c.oss, err = oss.New(oss.Config{Endpoint: cfg.OSS.Endpoint, Region: cfg.OSS.Region, Bucket: cfg.OSS.Bucket},
		func(ctx context.Context) (oss.Credentials, error) {
			return oss.Credentials(fc.CredentialsFrom(ctx)), nil
		},
	); err != nil {
		return clients{}, err
	}
	if c.kafka, err = kafka.New(kafka.Config{
		Brokers: cfg.Kafka.Brokers, TLS: cfg.Kafka.TLS, Roots: cfg.Kafka.CA.Pool(), SASLMechanism: cfg.Kafka.SASLMechanism,
		SASLUsername: cfg.Kafka.SASLUsername, SASLPassword: cfg.Kafka.SASLPassword,
	}); err != nil {
		return clients{}, err
	}
	if c.hbase, err = hbase.New(hbase.Config{
		ZooKeeper: string(cfg.HBase.ZooKeeper), Root: cfg.HBase.ZooKeeperRoot, Logger: logger,
	}); err != nil {
		c.kafka.Close()
		return clients{}, err
	}
	return c, nil
}

func (c *clients) Close() error {
	c.kafka.Close()
	return c.hbase.Close()
}
