package trace

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/target"
	"feedstream/shared/feed"
)

// Input is a record to publish. An empty key or value is null.
type Input struct{ Key, Value string }

// Publish publishes records to the input topic of a feed, as they are, and returns where each stands. After an error
// those before the first that failed have been published.
func Publish(ctx context.Context, t *target.Target, inputs ...Input) (origins []feed.Origin, err error) {
	options, err := t.KafkaOptions()
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka: %w", err)
	}
	defer client.Close()
	topic := t.Names.Topics.Input
	for _, in := range inputs {
		r := &kgo.Record{Topic: topic, Key: orNull(in.Key), Value: orNull(in.Value)}
		if err := client.ProduceSync(ctx, r).FirstErr(); err != nil {
			return origins, fmt.Errorf("publish to topic %s: %w", topic, err)
		}
		origins = append(origins, feed.Origin{Topic: topic, Partition: int(r.Partition), Offset: r.Offset})
	}
	return origins, nil
}

func orNull(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}
