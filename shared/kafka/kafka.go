// Package kafka produces to Kafka: records and quarantined deliveries in the forms that the topics
// promise, acknowledged by all replicas or reported by message.
//
// It is the only package of the functions that knows the client library.
package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"feedstream/shared/feed"
)

// Message is one record of a topic.
type Message struct {
	Topic string
	// Key decides the partition, by murmur2 as in the Java client: equal keys keep their order. Nil
	// is the null key; all messages of a call without key go to one partition, drawn by lot.
	Key []byte
	// Value is null when nil.
	Value   []byte
	Headers []Header
	// Time is the record's timestamp; the zero time means that of the call of Produce.
	Time time.Time

	// Partition and Offset say where the message lies. Produce sets them on what is acknowledged.
	Partition int
	Offset    int64

	// Record, where it is set, stands for key, value and the first headers: those of RecordMessage, which are
	// made as bytes where the message is sent from. It must stay as it is until Produce has returned.
	Record *feed.Record
}

// Header is one record header. Names may repeat; a nil value is null.
type Header struct {
	Key   string
	Value []byte
}

// SetTraceparent has the message belong to the trace of its input record; "" sets nothing.
func (m *Message) SetTraceparent(traceparent string) {
	if traceparent != "" {
		m.Headers = append(m.Headers, Header{feed.HeaderTraceparent, []byte(traceparent)})
	}
}

// Header returns the value of the first header of that name, and whether there is one.
func (m *Message) Header(name string) ([]byte, bool) {
	for _, h := range m.Headers {
		if h.Key == name {
			return h.Value, true
		}
	}
	return nil, false
}

// Config says how the brokers are reached.
type Config struct {
	Brokers       []string // host:port, at least one
	SASLMechanism string   // "", PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	SASLUsername  string
	SASLPassword  string
	TLS           bool
	Roots         *x509.CertPool // of the brokers' certificates, with TLS; nil: those of the system
}

const (
	// batchBytes bounds one batch; a larger message goes alone. It lies below the 1 MiB that a topic
	// takes by default.
	batchBytes = 900_000
	// attemptTimeout bounds each attempt of a Produce, so that a connection gone silent leaves time for
	// the next.
	attemptTimeout = 10 * time.Second
)

func (c Config) transport() (*kafka.Transport, error) {
	if len(c.Brokers) == 0 {
		return nil, errors.New("no Kafka broker is set")
	}
	mechanism, err := c.mechanism()
	if err != nil {
		return nil, err
	}
	t := &kafka.Transport{
		Dial:     (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
		ClientID: "feedstream",
		SASL:     mechanism,
		// The library runs its own metadata refresh beside the requests. An instance that was frozen
		// loses nothing by it: a stale picture costs a second attempt.
		Context: context.Background(),
	}
	if c.TLS {
		t.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Roots}
	}
	return t, nil
}

func (c Config) mechanism() (sasl.Mechanism, error) {
	switch c.SASLMechanism {
	case "":
		return nil, nil
	case "PLAIN":
		return plain.Mechanism{Username: c.SASLUsername, Password: c.SASLPassword}, nil
	case "SCRAM-SHA-256":
		return scram.Mechanism(scram.SHA256, c.SASLUsername, c.SASLPassword)
	case "SCRAM-SHA-512":
		return scram.Mechanism(scram.SHA512, c.SASLUsername, c.SASLPassword)
	}
	return nil, fmt.Errorf("the SASL mechanism %q for Kafka is unknown: use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
		c.SASLMechanism)
}
