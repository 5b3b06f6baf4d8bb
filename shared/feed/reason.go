package feed

import "fmt"

// Reason says why one input record was set aside. The values are part of the contract: they stand
// in the quarantine topic's headers and in dashboards.
type Reason string

// The reasons, in the order in which the checks run; the first that fails is the record's reason.
const (
	// UndecodableEvent: an element of the push has coordinates, yet its data cannot be read.
	UndecodableEvent Reason = "undecodable-event"
	// MissingKey: the Kafka key is absent, null or empty.
	MissingKey Reason = "missing-key"
	// InvalidKey: the key is not UTF-8, longer than MaxKeyBytes, or contains '|' or a control character.
	InvalidKey Reason = "invalid-key"
	// MissingValue: the Kafka value is absent, null or empty.
	MissingValue Reason = "missing-value"
	// MalformedValue: the value has neither the article's form nor the JSON form.
	MalformedValue Reason = "malformed-value"
	// InvalidStockCode: the stock code does not match [0-9A-Za-z._-]{1,32}.
	InvalidStockCode Reason = "invalid-stock-code"
	// InvalidTimestamp: the event time is neither an integer nor RFC 3339, or lies before MinTime.
	InvalidTimestamp Reason = "invalid-timestamp"
	// FutureTimestamp: the event time is more than MaxAhead ahead of the clock.
	FutureTimestamp Reason = "future-timestamp"
	// SinkRejected: a sink rejected this one record for good.
	SinkRejected Reason = "sink-rejected"
)

// Reasons lists all of them, in that order.
func Reasons() []Reason {
	return []Reason{UndecodableEvent, MissingKey, InvalidKey, MissingValue, MalformedValue, InvalidStockCode, InvalidTimestamp,
		FutureTimestamp, SinkRejected}
}

// Rejection is the verdict over a record that was set aside.
type Rejection struct {
	Reason Reason
	Detail string // for people; quotes at most a short prefix of the input
}

func (r *Rejection) Error() string { return string(r.Reason) + ": " + r.Detail }

func reject(reason Reason, format string, args ...any) *Rejection {
	return &Rejection{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// clip bounds what of the input is quoted in a detail.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
