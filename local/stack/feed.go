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
	Codes                  []string // of the stocks; none means those of the reference
	ValueBytes             int      // how many bytes a good value has at least; 0 is the article's form
	Seed                   uint64
	Drain                  bool // once all Records are published, wait for their verdicts and audit
}

// Validate names every problem of the feed by the flags that set it.
func (f Feed) Validate() error {
	err := f.simulation().Validate()
	if f.Drain && f.Records == 0 {
		err = errors.Join(err, errors.New("--drain needs --records: how many to publish before draining"))
	}
	return err
}

func (f Feed) simulation() simulate.Config {
	return simulate.Config{Records: f.Records, Rate: f.Rate, Codes: f.Codes, ValueBytes: f.ValueBytes, Seed: f.Seed, BadRatio: f.BadRatio, UnknownRatio: f.UnknownRatio}
}

// errInterrupted is the end of a drain that its context cut short.
var errInterrupted = errors.New("interrupted before every record had its verdict")

// Run runs a stack with a feed until ctx ends or, with Drain, until the feed has its verdicts. Then it
// closes the stack. It tells progress on the stack's Stderr; the result is nil without Drain.
func Run(ctx context.Context, cfg Config, feed Feed) (*Drained, error) {
	if err := feed.Validate(); err != nil {
		return nil, err
	}
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
		result.Speed = result.meter.speed(s.used())
	}
	return result, nil
}

// work publishes the feed and waits: for the drain, or for ctx to end.
func (s *Stack) work(ctx context.Context, feed Feed) (*Drained, error) {
	fmt.Fprintf(s.cfg.Stderr, "console    %s\nquery      %s\npublish    %s\nKafka      %s\nlogs       %s\n",
		s.endpoints.Console+s.page.Entrance(), s.endpoints.HTTPTriggers[s.target.Names.Query], s.endpoints.HTTPTriggers[s.target.Names.Publish],
		s.endpoints.Kafka, filepath.Join(s.cfg.Data, "logs"))
	for _, p := range s.programs {
		fmt.Fprintf(s.cfg.Stderr, "runs       %s, of this machine, for %s\n", p.here, p.deployed)
	}
	feeding, stopFeed := context.WithCancel(ctx)
	defer stopFeed()
	m := s.startMeter(feed.Records)
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
			if feed.Drain {
				return nil, errInterrupted
			}
			return nil, nil
		case err := <-published:
			if err != nil && ctx.Err() == nil {
				return nil, fmt.Errorf("publish the simulated feed: %w", err)
			}
			published = nil
			if feed.Drain {
				return s.drain(ctx, m)
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
	cfg := feed.simulation()
	cfg.Brokers, cfg.Options, cfg.Topic, cfg.Now = s.target.Kafka.Brokers, options, s.target.Names.Topics.Input, s.faults.now
	for {
		_, err := simulate.Run(ctx, cfg)
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
