// Package repair brings back what a feed has set aside. A redrive takes records out of the quarantine or out
// of the dead letters, mends them and sends them as new records of the input topic. A replay hands records of
// the input topic to the enrich function again, under the names they have.
//
// A redriven record carries two headers: feed-redrives, how often it was sent again, and
// feed-redriven-from, the input record that it takes the place of. The second one decides what was redriven
// already, and no file of this machine: a redrive first reads the input topic from the time of the oldest
// record set aside, and skips what has its successor there. So a redrive that was interrupted, on whatever
// machine and at whatever point, goes on when it is started again, and neither loses a record nor sends
// one twice. What it rests on:
//
//   - A record has one successor for ever. One that was mended badly has its own record in the quarantine
//     when it is set aside again, and that one is redriven next.
//   - A successor's time is that of the record set aside or later, whatever the clocks say, so that the
//     input topic's index of times finds it.
//   - One redrive of a feed runs at a time.
//   - A record that was set aside before the oldest record that the input topic still holds may have had a
//     successor that is gone. It is refused, unless whoever asks accepts that it may come twice.
package repair

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/audit"
	"feedstream/local/invoke"
	"feedstream/local/target"
	"feedstream/shared/feed"
)

// Feed is a feed to repair.
type Feed struct {
	target *target.Target
	topics feed.Topics
	kafka  audit.Kafka
	push   push // nil where no function may be called
	now    func() time.Time
	// flush is what the brokers have to acknowledge what is under way once the context has ended.
	flush time.Duration
	chunk int // records that a redrive has under way at a time
}

// Of returns the feed of a target, none of whose functions may be called: it can be replayed in dry runs only.
func Of(t *target.Target) (*Feed, error) {
	options, err := t.KafkaOptions()
	if err != nil {
		return nil, err
	}
	return &Feed{
		target: t, topics: t.Names.Topics, kafka: audit.Kafka{Brokers: t.Kafka.Brokers, Options: options},
		now: time.Now, flush: 10 * time.Second, chunk: chunk,
	}, nil
}

// OfStack returns the feed of the stack that runs on a data directory.
func OfStack(dataDir string) (*Feed, error) {
	running, err := target.Running(dataDir)
	if err != nil {
		return nil, err
	}
	return OfRunning(running)
}

// OfRunning returns the feed of a running stack.
func OfRunning(running *target.Endpoints) (*Feed, error) {
	t, err := target.Parse(running.Environment, running.Names)
	if err != nil {
		return nil, err
	}
	f, err := Of(&t)
	if err != nil {
		return nil, err
	}
	f.push = func(_ context.Context, body []byte) ([]byte, error) {
		return invoke.Of(running).Function(running.Names.Enrich, body)
	}
	return f, nil
}

func (f *Feed) client(options ...kgo.Opt) (*kgo.Client, error) {
	options = append(options, kgo.SeedBrokers(f.kafka.Brokers...))
	client, err := kgo.NewClient(append(options, f.kafka.Options...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka at %v: %w", f.kafka.Brokers, err)
	}
	return client, nil
}
