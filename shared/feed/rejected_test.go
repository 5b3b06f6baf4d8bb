package feed_test

import (
	"strings"
	"testing"

	"feedstream/shared/feed"
)

func TestRejectedErrorIsShort(t *testing.T) {
	e := &feed.RejectedError{Sink: "Kafka at a:1"}
	for i := range 1000 {
		e.Rejections = append(e.Rejections, feed.SinkRejection{Index: i, Reason: "too large"})
	}
	text := e.Error()
	for _, want := range []string{"Kafka at a:1: 1000 records rejected for good: too large; ", "and 997 more"} {
		if !strings.Contains(text, want) || len(text) > 300 {
			t.Errorf("%q is not in %q", want, text)
		}
	}
}
