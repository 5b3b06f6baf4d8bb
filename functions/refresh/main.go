// Command refresh is the function feed-refresh: on its timer it reads the reference from MongoDB and
// announces it as a snapshot in OSS; asked to, it pins a version, unpins it or rolls back.
// Refresher.Invoke in refresh.go is the whole order.
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
	"feedstream/shared/mongo"
	"feedstream/shared/oss"
	"feedstream/shared/reference"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, "feed-refresh:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, environ []string) error {
	var cfg Config
	if err := config.Load(&cfg, environ); err != nil {
		return err
	}
	logger := fc.NewLogger(os.Stdout, cfg.Server.LogLevel, fc.InstanceOf(environ))

	source, err := mongo.New(mongo.Config{
		URI: cfg.Mongo.URI, Database: cfg.Mongo.Database, Collection: cfg.Mongo.Collection,
	})
	if err != nil {
		return err
	}
	defer source.Close()
	bucket, err := oss.New(oss.Config{Endpoint: cfg.OSS.Endpoint, Region: cfg.OSS.Region, Bucket: cfg.OSS.Bucket},
		func(ctx context.Context) (oss.Credentials, error) {
			return oss.Credentials(fc.CredentialsFrom(ctx)), nil
		})
	if err != nil {
		return err
	}

	announcer := &reference.Announcer{Objects: bucket, Prefix: string(cfg.OSS.Prefix), Now: time.Now}
	refresher := &Refresher{
		Source: source, Announcer: announcer, Pins: announcer,
		Policy:   reference.Policy(cfg.Admission),
		Database: cfg.Mongo.Database, Collection: cfg.Mongo.Collection, Logger: logger,
	}
	return fc.Run(ctx, fc.Config{
		Addr: cfg.Server.Addr(), MemoryMB: cfg.Server.MemoryMB, Credentials: fc.EnvironmentCredentials(environ),
		Logger: logger, RequestLines: os.Stdout,
	}, fc.Function{Invoke: refresher.Invoke})
}
