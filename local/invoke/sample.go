package invoke

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/stream"
	"feedstream/local/target"
)

// Samples are the kinds of triggers that a sample can be made of.
const (
	SampleKafka = "kafka"
	SampleTimer = "timer"
	SampleHTTP  = "http"
)

// SampleEvent is what a trigger hands to a function: a push of one update, as of that time, or the event of a timer.
func SampleEvent(kind string, names target.Names, now time.Time) ([]byte, error) {
	switch kind {
	case SampleKafka:
		record := &kgo.Record{Topic: names.Topics.Input, Timestamp: now, Key: []byte(sampleSender), Value: []byte(sampleUpdate(now))}
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
	return Request{Method: http.MethodGet, Path: "/stocks/" + sampleCode + "?limit=3"}
}

const sampleSender, sampleCode = "192.168.2.18", "2318.HK"

func sampleUpdate(now time.Time) string {
	return fmt.Sprintf(`{"stockCode":%q,"timestamp":%d,"sender":%q}`, sampleCode, now.UnixMilli(), sampleSender)
}

func timerEvent(now time.Time, payload string) ([]byte, error) {
	return json.Marshal(map[string]string{
		"triggerTime": now.UTC().Format(time.RFC3339), "triggerName": "feedstream", "payload": payload,
	})
}
