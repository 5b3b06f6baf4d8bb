// Command publish is the function feed-publish: updates come in over HTTP and become records of the
// input topic. Publisher in publish.go is the whole of it.
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
	"feedstream/shared/kafka"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Environ()); err != nil {
		fmt.Fprintln(os.Stderr, "feed-publish:", err)
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

	publisher := &Publisher{Topic: cfg.Topics.Input, Producer: producer, Now: time.Now, Logger: logger}
	return fc.Run(ctx, fc.Config{
		Addr: cfg.Server.Addr(), MemoryMB: cfg.Server.MemoryMB, Credentials: fc.EnvironmentCredentials(environ),
		Logger: logger, RequestLines: os.Stdout,
	}, fc.Function{HTTP: publisher})
}
