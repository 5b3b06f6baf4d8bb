// Command query is the function feed-query: it answers queries by stock code and by row key over
// HTTP, from HBase and the Phoenix index.
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
	"feedstream/shared/oss"
	"feedstream/shared/reference"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, "feed-query:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, environ []string) error {
	var cfg Config
	if err := config.Load(&cfg, environ); err != nil {
		return err
	}
	logger := fc.NewLogger(os.Stdout, cfg.Server.LogLevel, fc.InstanceOf(environ))

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

	api := &API{
		Finder: &Finder{
			Layouts: &hbase.Layouts{
				Catalog: hbaseClient, Table: cfg.HBase.Table, Index: cfg.HBase.Index, Now: time.Now, Logger: logger,
			},
			Rows:   hbaseClient,
			Logger: logger,
		},
		Snapshots: reference.NewCache(reference.CacheConfig{
			Objects: bucket, Prefix: string(cfg.OSS.Prefix), CheckInterval: cfg.Freshness.CheckInterval,
			MaxAge: cfg.Freshness.MaxAge, Now: time.Now, Logger: logger,
		}),
		Logger: logger,
	}
	return fc.Run(ctx, fc.Config{
		Addr: cfg.Server.Addr(), MemoryMB: cfg.Server.MemoryMB, Credentials: fc.EnvironmentCredentials(environ),
		Logger: logger, RequestLines: os.Stdout,
	}, fc.Function{HTTP: api.Handler()})
}
