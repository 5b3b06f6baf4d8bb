package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/shared/feed"
	"feedstream/shared/kafka"
)

// Counts are input records by verdict, each offset once, however often its push was repeated.
type Counts struct {
	Enriched     int `json:"enriched"`
	Unmatched    int `json:"unmatched"`
	Quarantined  int `json:"quarantined"`
	DeadLettered int `json:"deadLettered"`
}

// Sum is how many records have a verdict.
func (c Counts) Sum() int { return c.Enriched + c.Unmatched + c.Quarantined + c.DeadLettered }

// of returns the counter of a verdict, nil for none.
func (c *Counts) of(verdict mark) *int {
	switch verdict {
	case matched:
		return &c.Enriched
	case unmatched:
		return &c.Unmatched
	case quarantined:
		return &c.Quarantined
	case deadLettered:
		return &c.DeadLettered
	}
	return nil
}

// Verdicts follows the topics and keeps the counts of verdicts since they began. It holds two bytes for
// each input record, and after a restart counts again from what the topics hold.
type Verdicts struct {
	brokers Kafka
	topics  feed.Topics
	logger  *slog.Logger

	mu      sync.Mutex
	ledger  *ledger
	counts  Counts
	changed chan struct{} // closed and replaced when the counts change
}

// NewVerdicts returns counts of zero; Run makes them grow.
func NewVerdicts(brokers Kafka, topics feed.Topics, logger *slog.Logger) *Verdicts {
	return &Verdicts{brokers: brokers, topics: topics, logger: logger, ledger: newLedger(), changed: make(chan struct{})}
}

// Counts returns the counts as of now.
func (v *Verdicts) Counts() Counts {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.counts
}

// Wait returns once at least n records have a verdict, or with the context's error.
func (v *Verdicts) Wait(ctx context.Context, n int) error {
	for {
		v.mu.Lock()
		sum, changed := v.counts.Sum(), v.changed
		v.mu.Unlock()
		if sum >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for %d verdicts, %d are there: %w", n, sum, ctx.Err())
		}
	}
}

// Run follows the topics until the context ends, and returns nil then. Brokers that are away are waited
// for.
func (v *Verdicts) Run(ctx context.Context) error {
	client, err := v.brokers.client(
		kgo.ConsumeTopics(v.topics.Output, v.topics.Quarantine, v.topics.DeadLetter),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer client.Close()
	failing := map[string]bool{} // topics whose outage was told
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return nil
		}
		records := fetches.Records()
		if len(failing) > 0 {
			for _, r := range records {
				delete(failing, r.Topic)
			}
		}
		v.add(records)
		fetches.EachError(func(topic string, partition int32, err error) {
			if !failing[topic] {
				failing[topic] = true
				v.logger.Warn("count the verdicts", "topic", topic, "partition", partition, "error", err)
			}
			if errors.Is(err, kerr.UnknownTopicID) && ctx.Err() == nil {
				// The topic was deleted; one made again under its name is another one to the client.
				client.PurgeTopicsFromConsuming(topic)
				client.AddConsumeTopics(topic)
			}
		})
		if fetches.Err() != nil && fetches.NumRecords() == 0 {
			wait(ctx, failedPoll)
		}
	}
}

// failedPoll is the wait after a poll that brought nothing but errors: some come at once, every time.
const failedPoll = time.Second

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (v *Verdicts) add(records []*kgo.Record) {
	v.mu.Lock()
	defer v.mu.Unlock()
	before := v.counts
	for _, r := range records {
		if err := v.addRecord(r); err != nil {
			v.logger.Warn("a record is no evidence of anything", "record", place(r), "error", err)
		}
	}
	if v.counts != before {
		close(v.changed)
		v.changed = make(chan struct{})
	}
}

// matchedMember stands in every output record that matched, and in no other: inside of a string its
// quotes would be escaped.
var matchedMember = []byte(`"matched":true`)

func (v *Verdicts) addRecord(r *kgo.Record) error {
	switch r.Topic {
	case v.topics.Output:
		origin, err := feed.ParseOrigin(Header(r, feed.HeaderID))
		if err != nil {
			return err
		}
		if bytes.Contains(r.Value, matchedMember) {
			v.addEvidence(origin, matched)
		} else {
			v.addEvidence(origin, unmatched)
		}
	case v.topics.Quarantine:
		origin, err := kafka.QuarantineOrigin(Message(r))
		if err != nil {
			return err
		}
		v.addEvidence(origin, quarantined)
	case v.topics.DeadLetter:
		deliveries, err := DeadLetters(r)
		if err != nil {
			return err
		}
		for i := range deliveries {
			v.addEvidence(deliveries[i].Origin, deadLettered)
		}
	}
	return nil
}

// addEvidence moves an offset from the verdict it had to the one it has now.
func (v *Verdicts) addEvidence(o feed.Origin, m mark) {
	if o.Topic != v.topics.Input || o.Partition < 0 || o.Offset < 0 {
		return // the audit names it
	}
	before := v.ledger.add(o.Partition, o.Offset, m)
	if counter := v.counts.of(before.verdict()); counter != nil {
		*counter--
	}
	*v.counts.of((before | m).verdict())++
}
