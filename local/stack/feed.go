package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"feedstream/local/simulate"
)

// Feed is the simulated feed that a stack publishes to itself.
type Feed struct {
	Records                int     // how many; 0 goes on until the end
	Rate                   float64 // records per second; 0 is as fast as it goes, or with no Records no feed at all
	BadRatio, UnknownRatio float64
	Seed                   uint64
	Drain                  bool // once all Records are published, wait for their verdicts and audit
}

// Run runs a stack with a feed until ctx ends or, with Drain, until the feed has its verdicts. Then it
// closes the stack. It tells progress on the stack's Stderr; the result is nil without Drain.
func Run(ctx context.Context, cfg Config, feed Feed) (*Drained, error) {
	s, err := Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if s.cfg.Stderr == nil {
		s.cfg.Stderr = io.Discard
	}
	result, err := s.work(ctx, feed)
	if err := errors.Join(err, s.Close()); err != nil {
		return nil, err
	}
	if result != nil {
		result.Speed.addFunctions()
	}
	return result, nil
}

// work publishes the feed and waits: for the drain, or for ctx to end.
func (s *Stack) work(ctx context.Context, feed Feed) (*Drained, error) {
	fmt.Fprintf(s.cfg.Stderr, "console    %s\nquery      %s\npublish    %s\nKafka      %s\nlogs       %s\n",
		s.endpoints.Console, s.endpoints.HTTPTriggers[s.target.Names.Query], s.endpoints.HTTPTriggers[s.target.Names.Publish],
		s.endpoints.Kafka, filepath.Join(s.cfg.Data, "logs"))
	feeding, stopFeed := context.WithCancel(ctx)
	defer stopFeed()
	began := time.Now()
	published := make(chan error, 1)
	go func() { published <- s.Publish(feeding, feed) }()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			fmt.Fprintln(s.cfg.Stderr, "stopping: running pushes end first")
			stopFeed()
			if published != nil {
				<-published
			}
			return nil, nil
		case err := <-published:
			if err != nil && ctx.Err() == nil {
				return nil, fmt.Errorf("publish the simulated feed: %w", err)
			}
			published = nil
			if feed.Drain {
				return s.drain(ctx, feed, began)
			}
		case <-ticker.C:
			s.printCounts(s.cfg.Stderr)
		}
	}
}

// refusalPause is how long an endless feed waits after the brokers have refused a record.
const refusalPause = time.Second

// Publish publishes a feed and ends when it does. A feed without an end outlives what the brokers refuse, such as records
// for a topic that somebody has deleted: whoever uses the stack's services should not lose them for it.
func (s *Stack) Publish(ctx context.Context, feed Feed) error {
	if feed.Records == 0 && feed.Rate == 0 {
		return nil
	}
	options, err := s.target.KafkaOptions()
	if err != nil {
		return err
	}
	for {
		_, err := simulate.Run(ctx, simulate.Config{
			Brokers: s.target.Kafka.Brokers, Options: options, Topic: s.target.Names.Topics.Input, Records: feed.Records,
			Rate: feed.Rate, Seed: feed.Seed, BadRatio: feed.BadRatio, UnknownRatio: feed.UnknownRatio,
			Now: s.faults.now,
		})
		if err == nil || feed.Records > 0 || ctx.Err() != nil {
			return err
		}
		s.logger.Warn("the simulated feed goes on after a pause", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(refusalPause):
		}
	}
}
