package invoke

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/stream"
	"feedstream/local/target"
	"feedstream/shared/feed"
)

// Samples are the kinds of triggers that a sample can be made of.
const (
	SampleKafka = "kafka"
	SampleTimer = "timer"
	SampleHTTP  = "http"
)

// SampleEvent is what a trigger hands to a function: a push of one update, as of that time, or the event of a timer. The
// update comes from feed.SampleTopic, by which everyone tells it from a record, and is of a sender and a stock that are
// none: its row is nobody else's.
func SampleEvent(kind string, now time.Time) ([]byte, error) {
	switch kind {
	case SampleKafka:
		record := &kgo.Record{Topic: feed.SampleTopic, Offset: now.UnixMilli(), Timestamp: now, Key: []byte(sampleSender), Value: []byte(sampleUpdate(now))}
		return append(stream.AppendEvent([]byte{'['}, record, false), ']'), nil
	case SampleTimer:
		return timerEvent(now, "refresh")
	}
	return nil, fmt.Errorf("a sample of %q is not known: give %s, %s or %s", kind, SampleKafka, SampleTimer, SampleHTTP)
}

// SampleRequest is what someone asks a function over HTTP: an update to publish, or the rows of a stock.
func SampleRequest(function string, names target.Names, now time.Time) Request {
	if function == names.Publish {
		return Request{Method: http.MethodPost, Path: "/updates", Body: []byte(sampleUpdate(now))}
	}
	return Request{Method: http.MethodGet, Path: "/stocks/2318.HK?limit=3"}
}

// The sender is of the addresses that RFC 5737 keeps for documents, the stock is none of a reference.
const sampleSender, sampleCode = "192.0.2.1", "SAMPLE"

func sampleUpdate(now time.Time) string {
	return fmt.Sprintf(`{"stockCode":%q,"timestamp":%d,"sender":%q}`, sampleCode, now.UnixMilli(), sampleSender)
}

func timerEvent(now time.Time, payload string) ([]byte, error) {
	return json.Marshal(map[string]string{
		"triggerTime": now.UTC().Format(time.RFC3339), "triggerName": "feedstream", "payload": payload,
	})
}
