package feed

import (
	"fmt"
	"strings"
)

// SinkRejection is one record that a sink rejects for good: giving it to the sink again is of no use.
type SinkRejection struct {
	Index  int    // of the record among those that the sink was given
	Reason string // what the sink said of it
}

// RejectedBy is the verdict over a record that a sink rejects for good.
func RejectedBy(sink, reason string) *Rejection {
	return reject(SinkRejected, "%s: %s", sink, reason)
}

// RejectedError is how every sink says that it rejects records for good. It has acknowledged all
// others: when records are missing for a cause that may pass, its error is another one and what it was
// given is to be given to it again.
type RejectedError struct {
	Sink       string          // names the sink and where it is
	Rejections []SinkRejection // by ascending index, at least one
}

// Error names the first few of the rejected records.
func (e *RejectedError) Error() string {
	const most = 3
	shown := make([]string, 0, most+1)
	for _, r := range e.Rejections[:min(most, len(e.Rejections))] {
		shown = append(shown, r.Reason)
	}
	if more := len(e.Rejections) - most; more > 0 {
		shown = append(shown, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("%s: %d records rejected for good: %s", e.Sink, len(e.Rejections), strings.Join(shown, "; "))
}
