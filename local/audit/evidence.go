package audit

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/shared/feed"
	"feedstream/shared/kafka"
	"feedstream/shared/trigger"
)

// message is a fetched record in the form that the parsers of shared/kafka take.
func message(r *kgo.Record) *kafka.Message {
	m := &kafka.Message{Topic: r.Topic, Key: r.Key, Value: r.Value, Partition: int(r.Partition), Offset: r.Offset}
	m.Headers = make([]kafka.Header, len(r.Headers))
	for i, h := range r.Headers {
		m.Headers[i] = kafka.Header(h)
	}
	return m
}

// deadLetters returns the deliveries of a dead letter: one CloudEvent, or an array of them.
func deadLetters(r *kgo.Record) ([]feed.Delivery, error) {
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

// header returns the value of a fetched record's header, empty when there is none.
func header(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// parseOrigin is the inverse of feed.Origin.String. A topic's name holds no '/'.
func parseOrigin(id string) (o feed.Origin, err error) {
	parts := strings.Split(id, "/")
	if len(parts) == 3 {
		if o.Partition, err = strconv.Atoi(parts[1]); err == nil {
			o.Offset, err = strconv.ParseInt(parts[2], 10, 64)
		}
		o.Topic = parts[0]
	}
	if len(parts) != 3 || err != nil || o.Partition < 0 || o.Offset < 0 {
		return feed.Origin{}, fmt.Errorf("origin %q is not <topic>/<partition>/<offset>", id)
	}
	return o, nil
}
