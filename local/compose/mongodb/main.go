// Command mongodb runs the embedded MongoDB server alone, in the place of the official image where none can be
// pulled: mongodb ADDR DIRECTORY. It ends in order on SIGTERM and SIGINT.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"feedstream/local/services/mongodb"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("mongodb got %d arguments, wants two: the address to listen on and the data directory", len(args))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := mongodb.Start(mongodb.Options{Addr: args[0], Dir: args[1], Logger: slog.Default()})
	if err != nil {
		return fmt.Errorf("start MongoDB: %w", err)
	}
	<-ctx.Done()
	return server.Close()
}
