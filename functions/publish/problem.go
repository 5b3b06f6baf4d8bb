package main

import (
	"errors"
	"net/http"

	"feedstream/shared/kafka"
	"feedstream/shared/problem"
)

// unpublishedError is the error of Kafka with what became of each item.
type unpublishedError struct {
	results []Result
	err     error
}

func (e *unpublishedError) Error() string { return "publish: " + e.err.Error() }
func (e *unpublishedError) Unwrap() error { return e.err }

// explain is what the caller is told of an error.
func explain(err error) *problem.Problem {
	p := &problem.Problem{Status: http.StatusInternalServerError, Title: "Internal error",
		Detail: "The request failed for a cause that stands in the function's log.",
		Remedy: "Look at the log of feed-publish for the time of the request, then publish again."}
	switch {
	case errors.Is(err, kafka.ErrTopicNotFound):
		p.Title, p.Detail = "The input topic does not exist", "Kafka knows no topic of the name in INPUT_TOPIC."
		p.Remedy = "Create the topic, or correct INPUT_TOPIC of feed-publish; then publish again the items without offset."
	case errors.Is(err, kafka.ErrDenied):
		p.Title, p.Detail = "Kafka denies the access", "The user of KAFKA_SASL_USERNAME may not produce to the input topic."
		p.Remedy = "Grant the user to write to the topic, or correct KAFKA_SASL_*; " +
			"then publish again the items without offset."
	case errors.As(err, new(*unpublishedError)):
		p.Status, p.Title = http.StatusServiceUnavailable, "Kafka does not acknowledge"
		p.Detail = "Items without partition and offset may be in the topic or not."
		p.Remedy = "Publish those items again; a second record of one update does no harm."
	}
	var unpublished *unpublishedError
	if errors.As(err, &unpublished) {
		p.Extensions = map[string]any{"results": unpublished.results}
	}
	return p
}
