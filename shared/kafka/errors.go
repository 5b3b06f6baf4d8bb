package kafka

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/segmentio/kafka-go"

	"feedstream/shared/feed"
)

// What brokers answer a Produce with until somebody mends it, for errors.Is with a *ProduceError.
var (
	// ErrTopicNotFound: the brokers know no such topic.
	ErrTopicNotFound = errors.New("the topic does not exist in Kafka")
	// ErrDenied: the brokers refuse the user, or what the user wants to do.
	ErrDenied = errors.New("the access to Kafka is denied")
)

// answers are the codes that stand for them.
var answers = map[error][]kafka.Error{
	ErrTopicNotFound: {kafka.UnknownTopicOrPartition},
	ErrDenied: {kafka.TopicAuthorizationFailed, kafka.ClusterAuthorizationFailed, kafka.SASLAuthenticationFailed,
		kafka.UnsupportedSASLMechanism},
}

// ProduceError says which messages of a Produce are not acknowledged, at least one of them for a cause
// that may pass. When all that are missing are rejected for good, Produce returns a *feed.RejectedError
// instead.
type ProduceError struct {
	Brokers  string
	Total    int                  // messages of the call
	Failures []Failure            // by ascending index, at least one
	Rejected []feed.SinkRejection // beside them, by ascending index
}

// Failure is one message that is not acknowledged. The cause may pass, and whether the message is in the
// log is not known.
type Failure struct {
	Index     int // of the message in the call
	Topic     string
	Partition int // -1 when it could not be found out
	Err       error
}

// Error names the brokers and, for each partition that failed, the first cause.
func (e *ProduceError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Kafka at %s: %d of %d messages are not acknowledged",
		e.Brokers, len(e.Failures)+len(e.Rejected), e.Total)
	type place struct {
		topic     string
		partition int
	}
	seen := make(map[place]bool)
	for _, f := range e.Failures {
		at := place{f.Topic, f.Partition}
		if seen[at] {
			continue
		}
		seen[at] = true
		if f.Partition < 0 {
			fmt.Fprintf(&b, "; topic %s: %v", f.Topic, f.Err)
		} else {
			fmt.Fprintf(&b, "; topic %s, partition %d: %v", f.Topic, f.Partition, f.Err)
		}
		b.WriteString(f.remedy())
	}
	if len(e.Rejected) > 0 {
		fmt.Fprintf(&b, "; %d of them are rejected for good, the first: %s", len(e.Rejected), e.Rejected[0].Reason)
	}
	if errors.As(error(e), new(x509.UnknownAuthorityError)) {
		b.WriteString("; set KAFKA_CA to the root certificate of the brokers")
	}
	return b.String()
}

// remedy is what ends the failure, where that is somebody's to do.
func (f *Failure) remedy() string {
	switch {
	case errors.Is(f.Err, kafka.UnknownTopicOrPartition):
		return fmt.Sprintf(": create topic %s, or correct the setting that names it", f.Topic)
	case errors.Is(f.Err, kafka.TopicAuthorizationFailed):
		return fmt.Sprintf(": allow the user of KAFKA_SASL_USERNAME to write to topic %s", f.Topic)
	}
	return ""
}

// Is reports whether one of the causes is of the class that target stands for.
func (e *ProduceError) Is(target error) bool {
	return slices.ContainsFunc(answers[target], func(code kafka.Error) bool {
		return slices.ContainsFunc(e.Failures, func(f Failure) bool { return errors.Is(f.Err, code) })
	})
}

// Unwrap returns the causes.
func (e *ProduceError) Unwrap() []error {
	causes := make([]error, len(e.Failures))
	for i, f := range e.Failures {
		causes[i] = f.Err
	}
	return causes
}

// isRejection reports whether a broker's answer to a batch speaks of a message in it, which is too large
// or has a timestamp that is not allowed, and not of the state of the cluster.
func isRejection(err error) bool {
	for _, code := range []kafka.Error{
		kafka.MessageSizeTooLarge, kafka.RecordListTooLarge, kafka.InvalidTimestamp, kafka.InvalidRecord,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}
