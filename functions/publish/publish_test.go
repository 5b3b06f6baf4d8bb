package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"feedstream/shared/config"
	"feedstream/shared/fc"
	"feedstream/shared/feed"
	"feedstream/shared/kafka"
	"feedstream/shared/testkit"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// topicLog is an input topic with one partition.
type topicLog struct {
	messages []kafka.Message
	fail     func(messages []kafka.Message) error
}

func (l *topicLog) Produce(_ context.Context, messages []kafka.Message) error {
	if l.fail != nil {
		if err := l.fail(messages); err != nil {
			return err
		}
	}
	for i := range messages {
		messages[i].Partition, messages[i].Offset = 2, int64(len(l.messages))
		l.messages = append(l.messages, messages[i])
	}
	return nil
}

func (l *topicLog) lines() (lines []string) {
	for _, m := range l.messages {
		lines = append(lines, m.Topic+" "+string(m.Key)+" "+string(m.Value))
	}
	return lines
}

func request(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/updates", strings.NewReader(body))
	r.RemoteAddr = "10.1.2.3:4567"
	return r
}

func answer(l *topicLog, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	p := &Publisher{Topic: "feed-updates", Producer: l, Now: func() time.Time { return noon }, Logger: testkit.Quiet()}
	p.ServeHTTP(w, r)
	return w
}

func TestPublish(t *testing.T) {
	const at = "1795435200000"
	for _, test := range []struct {
		name, body string
		status     int
		topic      []string
		results    string
	}{
		{"object", `{"stockCode":"2318.HK","timestamp":1605760851123,"sender":"192.168.2.17"}`, 202,
			[]string{"feed-updates 192.168.2.17 2318.HK,1605760851123"}, `[{"partition":2,"offset":0}]`},
		{"defaults", `{"stockCode":"2318.HK"}`, 202, []string{"feed-updates 10.1.2.3 2318.HK," + at}, `[{"partition":2,"offset":0}]`},
		{"null and empty mean default", `{"stockCode":"2318.HK","timestamp":null,"sender":""}`, 202,
			[]string{"feed-updates 10.1.2.3 2318.HK," + at}, `[{"partition":2,"offset":0}]`},
		{"RFC 3339, unknown member, spread over lines", "{\"stockCode\":\"2318.HK\",\n\"timestamp\":\"2020-11-19T12:40:51.1239+08:00\",\n\"x\":[1]}", 202,
			[]string{"feed-updates 10.1.2.3 2318.HK,1605760851123"}, `[{"partition":2,"offset":0}]`},
		{"digits in a string", `{"stockCode":"2318.HK","timestamp":"1605760851123"}`, 202,
			[]string{"feed-updates 10.1.2.3 2318.HK,1605760851123"}, `[{"partition":2,"offset":0}]`},
		{"array with bad ones", `[{"stockCode":"a b"},{"stockCode":"0001.HK"},7,{"stockCode":"0002.HK","sender":"a|b"},{}]`, 202,
			[]string{"feed-updates 10.1.2.3 0001.HK," + at},
			`[{"reason":"invalid-stock-code"},{"partition":2,"offset":0},{"reason":"malformed-value"},{"reason":"invalid-key"},{"reason":"malformed-value"}]`},
		{"lines with a bad one", `{"stockCode":"0001.HK"}` + "\n\nnonsense\r\n" + `{"stockCode":"0002.HK"}` + "\n", 202,
			[]string{"feed-updates 10.1.2.3 0001.HK," + at, "feed-updates 10.1.2.3 0002.HK," + at},
			`[{"partition":2,"offset":0},{"reason":"malformed-value"},{"partition":2,"offset":1}]`},
		{"every item bad", `[{"stockCode":"2318.HK","timestamp":1.5},{"stockCode":"2318.HK","timestamp":4102444800000},{"stockCode":"2318.HK","sender":5}]`, 400, nil,
			`[{"reason":"invalid-timestamp"},{"reason":"future-timestamp"},{"reason":"invalid-key"}]`},
		{"member twice", `{"stockCode":"0001.HK","stockCode":"0002.HK"}`, 400, nil, `[{"reason":"malformed-value"}]`},
		{"sender twice", `{"stockCode":"0001.HK","sender":"a","sender":null}`, 400, nil, `[{"reason":"malformed-value"}]`},
		{"not UTF-8", "{\"stockCode\":\"0001.HK\",\"sender\":\"\xff\"}", 400, nil, `[{"reason":"invalid-key"}]`},
		{"a number", `5`, 400, nil, `[{"reason":"malformed-value"}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := &topicLog{}
			w := answer(l, request(test.body))
			if w.Code != test.status {
				t.Errorf("status = %d, want %d: %s", w.Code, test.status, w.Body)
			}
			if diff := cmp.Diff(test.topic, l.lines()); diff != "" {
				t.Errorf("topic: %s", diff)
			}
			var body struct{ Results []map[string]any }
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			for _, r := range body.Results {
				if (r["reason"] == nil) != (r["detail"] == nil) {
					t.Errorf("a reason without detail: %v", r)
				}
				delete(r, "detail")
			}
			var want []map[string]any
			if err := json.Unmarshal([]byte(test.results), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, body.Results); diff != "" {
				t.Errorf("results: %s", diff)
			}
		})
	}
}

func TestRefusedRequests(t *testing.T) {
	lines := func(n int) string { return strings.Repeat(`{"stockCode":"2318.HK"}`+"\n", n) }
	for _, test := range []struct {
		name    string
		request func() *http.Request
		status  int
		detail  string
	}{
		{"other path", func() *http.Request { return httptest.NewRequest("POST", "/update", nil) }, 404, "/update"},
		{"other method", func() *http.Request { return httptest.NewRequest("GET", "/updates", nil) }, 405, "POST"},
		{"other type", func() *http.Request {
			r := request(`{}`)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return r
		}, 415, "application/json"},
		{"compressed", func() *http.Request {
			r := request(`{}`)
			r.Header.Set("Content-Encoding", "gzip")
			return r
		}, 415, "uncompressed"},
		{"empty", func() *http.Request { return request(" \n") }, 400, "no item"},
		{"empty array", func() *http.Request { return request("[]") }, 400, "no item"},
		{"broken array", func() *http.Request { return request(`[{"stockCode":"2318.HK"},`) }, 400, "not JSON"},
		{"too many items", func() *http.Request { return request(lines(1001)) }, 413, "1001 items, at most 1000"},
		{"too many bytes", func() *http.Request { return request(strings.Repeat(" ", maxBytes+1)) }, 413, "1048576 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := &topicLog{}
			w := answer(l, test.request())
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.detail) {
				t.Errorf("answer = %d %s, want %d with %q", w.Code, w.Body, test.status, test.detail)
			}
			if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("content type = %s", got)
			}
			if !strings.Contains(w.Body.String(), `"remedy":"`) {
				t.Errorf("the problem %s names no remedy", w.Body)
			}
			if (w.Header().Get("Allow") != "") != (test.status == 405) {
				t.Errorf("Allow = %q", w.Header().Get("Allow"))
			}
			if len(l.messages) > 0 {
				t.Errorf("%d messages were produced", len(l.messages))
			}
		})
	}
	if w := answer(&topicLog{}, request(lines(1000))); w.Code != 202 {
		t.Errorf("1000 items: %d", w.Code)
	}
}

func TestKafkaDoesNotAcknowledge(t *testing.T) {
	cause := errors.New("broken pipe at 10.0.0.9:9092")
	for name, test := range map[string]struct {
		err     error
		status  int
		reasons []string
	}{
		"no such topic": {&kafka.ProduceError{Total: 2, Failures: []kafka.Failure{
			{Index: 0, Err: kafka.ErrTopicNotFound}, {Index: 1, Err: kafka.ErrTopicNotFound}}}, 500,
			[]string{NotAcknowledged, NotAcknowledged}},
		"denied": {&kafka.ProduceError{Total: 2, Failures: []kafka.Failure{{Index: 0, Err: kafka.ErrDenied}}}, 500,
			[]string{NotAcknowledged, ""}},
		"none": {cause, 503, []string{NotAcknowledged, NotAcknowledged}},
		"one": {&kafka.ProduceError{Total: 2, Failures: []kafka.Failure{{Index: 1, Err: cause}}}, 503,
			[]string{"", NotAcknowledged}},
		"one rejected for good": {&feed.RejectedError{Rejections: []feed.SinkRejection{{Index: 0, Reason: "too large"}}},
			202, []string{"sink-rejected", ""}},
		"one of each": {&kafka.ProduceError{Total: 2, Failures: []kafka.Failure{{Index: 1, Err: cause}},
			Rejected: []feed.SinkRejection{{Index: 0, Reason: "too large"}}}, 503, []string{"sink-rejected", NotAcknowledged}},
	} {
		t.Run(name, func(t *testing.T) {
			l := &topicLog{fail: func([]kafka.Message) error { return test.err }}
			w := answer(l, request(`[{"stockCode":"0001.HK"},{"stockCode":"0002.HK"}]`))
			if w.Code != test.status {
				t.Errorf("status = %d, want %d: %s", w.Code, test.status, w.Body)
			}
			if retry := w.Header().Get("Retry-After") != ""; retry != (w.Code == 503) {
				t.Errorf("Retry-After = %v at %d", retry, w.Code)
			}
			var body struct {
				Results []Result
				Remedy  string
			}
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			if (body.Remedy != "") != (w.Code >= 500) || strings.Contains(w.Body.String(), "10.0.0.9") {
				t.Errorf("remedy = %q in %s", body.Remedy, w.Body)
			}
			var reasons []string
			for _, r := range body.Results {
				reasons = append(reasons, r.Reason)
				if (r.Offset != nil) != (r.Reason == "") {
					t.Errorf("result = %+v", r)
				}
			}
			if diff := cmp.Diff(test.reasons, reasons); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSender(t *testing.T) {
	for _, test := range []struct{ forwarded, peer, want string }{
		{"", "10.1.2.3:4567", "10.1.2.3"},
		{"203.0.113.7, 10.0.0.1", "10.1.2.3:4567", "203.0.113.7"},
		{"2001:db8::1", "10.1.2.3:4567", "2001:db8::1"},
		{"unknown", "10.1.2.3:4567", "10.1.2.3"},
		{"", "[::1]:4567", "::1"},
	} {
		r := request("")
		r.RemoteAddr = test.peer
		r.Header.Set("X-Forwarded-For", test.forwarded)
		if got := senderOf(r); got != test.want {
			t.Errorf("forwarded %q, peer %s: sender = %s, want %s", test.forwarded, test.peer, got, test.want)
		}
	}
}

func TestConfigNamesWhatIsMissing(t *testing.T) {
	var cfg Config
	if err := config.Load(&cfg, nil); err == nil || !strings.Contains(err.Error(), "KAFKA_BROKERS") {
		t.Errorf("error = %v", err)
	}
	if err := config.Load(&cfg, []string{"KAFKA_BROKERS=a:1"}); err != nil || cfg.Topics.Input != feed.DefaultTopics().Input {
		t.Errorf("input topic = %q, error = %v", cfg.Topics.Input, err)
	}
	if err := config.Load(&cfg, []string{"KAFKA_BROKERS=a:1", "INPUT_TOPIC=feedstream.sample"}); err == nil || !strings.Contains(err.Error(), "INPUT_TOPIC") {
		t.Errorf("the topic of samples: error = %v", err)
	}
}

func FuzzPublish(f *testing.F) {
	for _, seed := range []string{`{"stockCode":"2318.HK"}`, `[{"stockCode":"2318.HK","timestamp":1}]`, "{}\n{}", `{"a":1,"a":2}`, "[", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		l := &topicLog{}
		w := answer(l, request(body))
		var got struct{ Results []Result }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		acknowledged := 0
		for _, r := range got.Results {
			if r.Offset != nil {
				acknowledged++
			}
		}
		if acknowledged != len(l.messages) || (acknowledged > 0) != (w.Code == 202) {
			t.Errorf("%d acknowledged, %d in the topic, status %d", acknowledged, len(l.messages), w.Code)
		}
	})
}

func TestTheLineOfARequestHasItsItems(t *testing.T) {
	var log testkit.Log
	logger := slog.New(slog.NewTextHandler(&log, nil))
	p := &Publisher{Topic: "feed-updates", Producer: &topicLog{}, Now: func() time.Time { return noon }, Logger: logger}
	fc.Handler(fc.Config{Logger: logger, RequestLines: io.Discard}, fc.Function{HTTP: p}).
		ServeHTTP(httptest.NewRecorder(), request(`[{"stockCode":"2318.HK"},{"stockCode":"?"}]`))
	for _, want := range []string{"method=POST path=/updates status=202", "items=2", "requestBytes=43"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s lacks %s", log.String(), want)
		}
	}
}
