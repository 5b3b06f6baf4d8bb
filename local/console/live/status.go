// Package live holds what a running stack does right now and did in the last quarter of an hour: a picture of it each
// second, kept in a ring, and the stream of server-sent events that brings it to pages.
package live

import (
	"slices"
	"time"

	"feedstream/local/platform/latency"
	"feedstream/local/target"
)

// Status is what GET /api/status answers.
type Status struct {
	Ready     bool       `json:"ready"`
	Functions []Function `json:"functions"`
	Verdicts  Verdicts   `json:"verdicts"`
	// Lag is the sum over the input topic's partitions of high watermark - committed offset.
	Lag       int64     `json:"lag"`
	Reference Reference `json:"reference"`
	// Failing are the pushes that have failed and have no verdict yet, the oldest first.
	Failing []target.Failing `json:"failing,omitempty"`

	Streams []Stream      `json:"streams,omitempty"`
	Faults  int           `json:"faults,omitempty"` // rules that are on
	OwnCPU  time.Duration `json:"-"`                // processor time of the stack's own process
}

// Counters is the status without the texts of errors, which may name what only this machine should know.
func (s Status) Counters() Status {
	s.Failing, s.Streams = slices.Clone(s.Failing), slices.Clone(s.Streams)
	for i := range s.Failing {
		s.Failing[i].Error = ""
	}
	for i := range s.Streams {
		s.Streams[i].LastError = ""
	}
	return s
}

// Function is the state of one function's instances.
type Function struct {
	Name        string `json:"name"`
	Instances   int    `json:"instances"`
	Invocations int64  `json:"invocations"`
	Errors      int64  `json:"errors"`

	MemoryMB int           `json:"-"`
	CPU      float64       `json:"-"` // vCPUs of an instance
	Busy     time.Duration `json:"-"` // of all instances together: what is billed
	CPUTime  time.Duration `json:"-"`
}

// Verdicts counts distinct input offsets since the data directory began.
type Verdicts struct {
	Enriched     int64 `json:"enriched"`
	Unmatched    int64 `json:"unmatched"`
	Quarantined  int64 `json:"quarantined"`
	DeadLettered int64 `json:"deadLettered"`
}

// Reference is the snapshot last announced. Its version is empty before the first announcement.
type Reference struct {
	Version    string  `json:"version"`
	Revision   int64   `json:"revision"`
	AgeSeconds float64 `json:"ageSeconds"`
	Entries    int     `json:"entries"`

	MaxAge time.Duration `json:"-"` // beyond which the functions call it stale; 0: never
	Pinned bool          `json:"-"` // it does not age then
}

// Stream is an event stream.
type Stream struct {
	Function   string      `json:"function"`
	Topic      string      `json:"topic"`
	Group      string      `json:"group"`
	InFlight   int         `json:"inFlight"` // pushes under way
	Waiting    int         `json:"waiting"`  // those among them that wait for a retry
	LastError  string      `json:"lastError,omitempty"`
	Partitions []Partition `json:"partitions"`

	Latency latency.Counts `json:"-"` // from a record's time in Kafka to the answer of its push
}

// Partition is how far a stream has come in one.
type Partition struct {
	Number    int32 `json:"number"`
	Committed int64 `json:"committed"`
	End       int64 `json:"end"`
	Lag       int64 `json:"lag"`
}
