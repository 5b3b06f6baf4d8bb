package hostile_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/audit"
	"feedstream/local/stack"
	"feedstream/local/stack/stacktest"
)

// running is a stack that ends with the test.
func running(t *testing.T) *stack.Stack {
	t.Helper()
	s := must[*stack.Stack](t)(stack.Start(t.Context(), stack.Config{Manifest: stacktest.Manifest, Data: t.TempDir(), AnonymousHTTP: true}))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func host(t *testing.T, address string) string {
	t.Helper()
	return must[*url.URL](t)(url.Parse(address)).Host
}

// TestHTTPPortsEndure has the triggers, the API and the console hear everything.
func TestHTTPPortsEndure(t *testing.T) {
	e := running(t).Endpoints()
	publish, query := e.HTTPTriggers["feed-publish"], e.HTTPTriggers["feed-query"]
	post := func(name, path, headers, body string) input {
		return text(name, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s",
			path, headers, len(body), body))
	}
	const updates = "/feed-publish/updates"
	triggers := []input{
		post("JSON a million deep", updates, "", strings.Repeat("[", 1_000_000)),
		post("a number of a megabyte", updates, "", "["+strings.Repeat("9", 1<<20)+"]"),
		post("40 MB", updates, "", strings.Repeat(" ", 40<<20)),
		post("what is not UTF-8", updates, "", strings.Repeat("\xff", 1<<20)),
		text("chunks that are none", "POST "+updates+" HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
		text("a row key of 100,000 bytes", "GET /feed-query/rows/"+strings.Repeat("x", 100_000)+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
	}
	for i := range 70 { // more than all instances of a function serve at a time
		triggers = append(triggers, input{name: fmt.Sprint("an upload that hangs, ", i), hangs: true,
			said: []byte("POST " + updates + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[")})
	}
	const invoke = "/2016-08-15/services/feedstream/functions/feed-enrich/invocations"
	endures(t, []port{
		{name: "HTTP triggers of publish", addr: host(t, publish), own: triggers, good: answer(query+"/reference", http.StatusOK)},
		{name: "FC API", addr: host(t, e.FC), own: []input{
			post("an event that nobody signed", invoke, "", strings.Repeat("x", 1<<20)),
			post("a thousand headers to sign", invoke, strings.Repeat("X-Fc-A: b\r\n", 1000), "[]"),
		}, good: answer(e.FC+invoke, http.StatusForbidden)},
		{name: "console", addr: host(t, e.Console), own: []input{
			post("rules of a megabyte", "/api/faults", "", `{"rules":["`+strings.Repeat("x", 1<<20)+`"]}`),
		}, good: answer(e.Console+"/api/status", http.StatusOK)},
	})
}

// hostileRecords are those that no sender of the feed writes, but anybody may who reaches the topic.
func hostileRecords(topic string) []*kgo.Record {
	const most = 900_000 // the topic takes a little more
	key, value := []byte("192.168.2.17"), fmt.Appendf(nil, "2318.HK,%d", time.Now().UnixMilli())
	records := []*kgo.Record{
		{Key: nil, Value: nil}, {Key: []byte{}, Value: []byte{}}, {Key: key}, {Value: value},
		{Key: key, Value: bytes.Repeat([]byte{0xff}, 300_000)},
		{Key: bytes.Repeat([]byte{0xff}, 300_000), Value: value},
		{Key: key, Value: bytes.Repeat([]byte("x"), most)},
		{Key: key, Value: make([]byte, most)},
		{Key: key, Value: bytes.Repeat([]byte("["), most)},
		{Key: key, Value: []byte(strings.Repeat(`{"a":`, most/5))},
		{Key: key, Value: []byte(strings.Repeat(`"\u0000`, most/7))},
		{Key: key, Value: append([]byte("2318.HK,"), bytes.Repeat([]byte("9"), most/2)...)},
		{Key: key, Value: []byte("2318.HK,1e999999999")},
		{Key: key, Value: []byte("2318.HK,-9223372036854775809")},
		{Key: []byte("a\x00b|c"), Value: value},
		{Key: key, Value: value, Headers: headers(10_000)},
	}
	for _, r := range records {
		r.Topic = topic
	}
	return records
}

func headers(n int) []kgo.RecordHeader {
	all := make([]kgo.RecordHeader, n)
	for i := range all {
		all[i] = kgo.RecordHeader{Key: fmt.Sprint("header-", i), Value: []byte("value")}
	}
	return all
}

// TestRecordsEndure: each hostile record gets one verdict, and 100,000 senders take no more room than a few.
func TestRecordsEndure(t *testing.T) {
	const senders = 100_000
	s := running(t)
	limit := memory() + mostMemory
	place := s.Target()
	topic := place.Names.Topics.Input
	client := must[*kgo.Client](t)(kgo.NewClient(kgo.SeedBrokers(place.Kafka.Brokers...)))
	defer client.Close()
	records := hostileRecords(topic)
	at := time.Now().UnixMilli()
	for i := range senders {
		records = append(records, &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "10.%d.%d.%d", i>>16, i>>8&0xff, i&0xff),
			Value: fmt.Appendf(nil, "2318.HK,%d", at)})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := s.Settle(ctx); err != nil {
		t.Fatalf("%v; status %+v", err, s.Status())
	}
	report := must[audit.Report](t)(audit.Feed(ctx, &place, audit.Bound{}, audit.Bound{}))
	if !report.Balanced || report.Published != len(records) || report.Enriched < senders || report.Quarantined < len(records)-senders-1 {
		t.Errorf("of %d records: %+v", len(records), report)
	}
	if now := memory(); now > limit {
		t.Errorf("the process takes %d MB, the limit is %d MB", now>>20, limit>>20)
	}
}
