package audit

import (
	"bytes"
	"fmt"

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

// addSuccessor notes which record that was set aside an input record takes the place of, if it does of any.
func (a *auditor) addSuccessor(r *kgo.Record) {
	if len(r.Headers) == 0 {
		return
	}
	origin, err := feed.ParseOrigin(header(r, feed.HeaderRedrivenFrom))
	if err != nil || origin.Topic != a.cfg.Topics.Input {
		return
	}
	if m, _ := a.ledger.at(origin.Partition, origin.Offset); m&evidence != 0 { // it is evidence of nothing itself
		a.ledger.add(origin.Partition, origin.Offset, redriven)
	}
}

// repaired says that a record that was set aside needs no repair any more: another one took its place, which
// has a verdict of its own.
func (m mark) repaired() bool {
	return m&redriven != 0 && (m.verdict() == quarantined || m.verdict() == deadLettered)
}
