package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Topic is one topic to hold.
type Topic struct {
	Name       string
	Partitions int
	// Configs are topic settings by their Kafka names, such as "max.message.bytes". A topic that
	// exists already takes them over.
	Configs map[string]string
}

// Names are the topics of one feed.
type Names struct{ Input, Output, Quarantine, DeadLetter string }

const (
	// MaxInputBytes is the largest batch, hence the largest record, of the input topic: Kafka's default.
	MaxInputBytes = 1_048_588
	// SetAsideRoom is how much larger a record set aside may be than the input record it carries: it
	// holds that record and what is said about it.
	SetAsideRoom = 64 << 10
)

// FeedTopics returns the four topics of a feed: input and output with the given number of
// partitions, quarantine and dead letters with one each and room for the largest input record.
func FeedTopics(names Names, partitions int) []Topic {
	setAside := map[string]string{"max.message.bytes": strconv.Itoa(MaxInputBytes + SetAsideRoom)}
	return []Topic{
		{Name: names.Input, Partitions: partitions},
		{Name: names.Output, Partitions: partitions},
		{Name: names.Quarantine, Partitions: 1, Configs: setAside},
		{Name: names.DeadLetter, Partitions: 1, Configs: setAside},
	}
}

// ensureTopics creates what is missing. The creation is on disk before the broker answers, unlike
// that of a topic made by itself on a client's mention of it, which is why nothing is ever left to that.
func ensureTopics(ctx context.Context, client *kgo.Client, topics []Topic) error {
	if len(topics) == 0 {
		return nil
	}
	existing, err := createTopics(ctx, client, topics)
	if err != nil {
		return err
	}
	if err := checkPartitions(ctx, client, existing); err != nil {
		return err
	}
	return alterConfigs(ctx, client, existing)
}

// createTopics returns those of the topics that existed before.
func createTopics(ctx context.Context, client *kgo.Client, topics []Topic) (existing []Topic, err error) {
	req := kmsg.NewPtrCreateTopicsRequest()
	for _, t := range topics {
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = t.Name, int32(t.Partitions), 1
		for name, value := range t.Configs {
			config := kmsg.NewCreateTopicsRequestTopicConfig()
			config.Name, config.Value = name, kmsg.StringPtr(value)
			topic.Configs = append(topic.Configs, config)
		}
		req.Topics = append(req.Topics, topic)
	}
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("kafka: create topics: %w", err)
	}
	byName := make(map[string]Topic, len(topics))
	for _, t := range topics {
		byName[t.Name] = t
	}
	for _, t := range resp.Topics {
		switch err := kerr.ErrorForCode(t.ErrorCode); {
		case errors.Is(err, kerr.TopicAlreadyExists):
			existing = append(existing, byName[t.Topic])
		case err != nil:
			return nil, fmt.Errorf("kafka: create topic %q: %w", t.Topic, err)
		}
	}
	return existing, nil
}

// checkPartitions refuses to go on with fewer partitions than asked for: adding some would send the
// keys of the records already there elsewhere. More than asked for were added while the broker ran,
// by someone who wanted them.
func checkPartitions(ctx context.Context, client *kgo.Client, topics []Topic) error {
	if len(topics) == 0 {
		return nil
	}
	req := kmsg.NewPtrMetadataRequest()
	asked := make(map[string]int, len(topics))
	for _, t := range topics {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(t.Name)
		req.Topics = append(req.Topics, topic)
		asked[t.Name] = t.Partitions
	}
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("kafka: read the topics: %w", err)
	}
	for _, t := range resp.Topics {
		if name := *t.Topic; len(t.Partitions) < asked[name] {
			return fmt.Errorf("kafka: topic %q has %d partitions in the data directory and %d are asked for: "+
				"ask for %[2]d or start with an empty directory", name, len(t.Partitions), asked[name])
		}
	}
	return nil
}

func alterConfigs(ctx context.Context, client *kgo.Client, topics []Topic) error {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	for _, t := range topics {
		if len(t.Configs) == 0 {
			continue
		}
		resource := kmsg.NewIncrementalAlterConfigsRequestResource()
		resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, t.Name
		for name, value := range t.Configs {
			config := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
			config.Name, config.Value = name, kmsg.StringPtr(value)
			resource.Configs = append(resource.Configs, config)
		}
		req.Resources = append(req.Resources, resource)
	}
	if len(req.Resources) == 0 {
		return nil
	}
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("kafka: configure topics: %w", err)
	}
	for _, r := range resp.Resources {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return fmt.Errorf("kafka: configure topic %q: %w", r.ResourceName, err)
		}
	}
	return nil
}
