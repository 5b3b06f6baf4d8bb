package audit

import (
	"bytes"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/shared/feed"
	"feedstream/shared/kafka"
	"feedstream/shared/trigger"
)

// Message is a fetched record in the form that the parsers of shared/kafka take.
func Message(r *kgo.Record) *kafka.Message {
	m := &kafka.Message{Topic: r.Topic, Key: r.Key, Value: r.Value, Partition: int(r.Partition), Offset: r.Offset}
	m.Headers = make([]kafka.Header, len(r.Headers))
	for i, h := range r.Headers {
		m.Headers[i] = kafka.Header(h)
	}
	return m
}

// DeadLetters returns the deliveries of a dead letter: of one CloudEvent, or of an array of them.
func DeadLetters(r *kgo.Record) ([]feed.Delivery, error) {
	body := bytes.TrimSpace(r.Value)
	if !bytes.HasPrefix(body, []byte("[")) {
		body = append(append([]byte("["), body...), ']')
	}
	deliveries, err := trigger.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("dead letter: %w", err)
	}
	return deliveries, nil
}

// Header returns the value of a fetched record's header, empty when there is none.
func Header(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}
