package kafka

import (
	"errors"
	"fmt"
	"strings"

	"github.com/segmentio/kafka-go"
)

// ProduceError says which messages of a Produce are not acknowledged.
type ProduceError struct {
	Brokers  string
	Total    int       // messages of the call
	Failures []Failure // by ascending index, at least one
}

// Failure is one message that is not acknowledged.
type Failure struct {
	Index     int // of the message in the call
	Topic     string
	Partition int // -1 when it could not be found out
	Err       error
	// Refused is set when the broker refuses this one message for good, so that sending it again is
	// of no use: it is too large, or its timestamp is not allowed. Otherwise the failure may pass, and
	// whether the message is in the log is not known.
	Refused bool
}

// Refused reports whether every failure is a message refused for good: all others are acknowledged.
func (e *ProduceError) Refused() bool { return len(passing(e.Failures)) == 0 }

// Error names the brokers and, for each partition that failed, the first cause.
func (e *ProduceError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "kafka at %s did not acknowledge %d of %d messages", e.Brokers, len(e.Failures), e.Total)
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
	}
	return b.String()
}

// Unwrap returns the causes.
func (e *ProduceError) Unwrap() []error {
	causes := make([]error, len(e.Failures))
	for i, f := range e.Failures {
		causes[i] = f.Err
	}
	return causes
}

// passing returns the indexes of the messages whose failure may pass, in ascending order per partition.
func passing(failures []Failure) []int {
	var indexes []int
	for _, f := range failures {
		if !f.Refused {
			indexes = append(indexes, f.Index)
		}
	}
	return indexes
}

func refusals(failures []Failure) []Failure {
	var refused []Failure
	for _, f := range failures {
		if f.Refused {
			refused = append(refused, f)
		}
	}
	return refused
}

// refusal reports whether a broker's answer to a batch speaks of a message in it and not of the
// state of the cluster.
func refusal(err error) bool {
	for _, code := range []kafka.Error{
		kafka.MessageSizeTooLarge, kafka.RecordListTooLarge, kafka.InvalidTimestamp, kafka.InvalidRecord,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}
