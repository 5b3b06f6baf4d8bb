package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"feedstream/shared/feed"
	"feedstream/shared/kafka"
	"feedstream/shared/phoenix"
	"feedstream/shared/testkit"
)

const eventTime = 1605760851123

func updateOf(code string, ms int64) string { return fmt.Sprintf("%s,%d", code, ms) }

// refusing rejects rows by the sender and the event time that they hold.
func refusing(sender string, times ...int64) func(*phoenix.Row) string {
	return func(row *phoenix.Row) string {
		for _, ms := range times {
			if bytes.Contains(row.Data.Key, []byte(sender+"|")) && row.Data.Timestamp == ms {
				return "the cell is too large"
			}
		}
		return ""
	}
}

func pushed(t *testing.T, w *world, inputs ...input) Summary {
	t.Helper()
	answer, err := w.enricher().Push(t.Context(), push(t, 0, inputs...))
	if err != nil {
		t.Fatal(err)
	}
	var s Summary
	if err := json.Unmarshal(answer, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func wantOffsets(t *testing.T, w *world, records, aside []int64) {
	t.Helper()
	if diff := cmp.Diff(records, w.records(t)); diff != "" {
		t.Errorf("output records (-want +got):\n%s", diff)
	}
	found := w.aside(t)
	for _, offset := range aside {
		if _, ok := found[offset]; !ok {
			t.Errorf("offset %d is not set aside", offset)
		}
	}
	if len(found) != len(aside) {
		t.Errorf("%d records are set aside, want those of %v", len(found), aside)
	}
}

// What HBase rejects of a row is set aside; its neighbours, and the older events of that row, go through.
func TestARowThatHBaseRejectsIsSetAside(t *testing.T) {
	w := newWorld(t)
	w.refuseRow = refusing("bad", eventTime+2, eventTime+1)
	s := pushed(t, w,
		input{"good", updateOf("2318.HK", eventTime)},
		input{"bad", updateOf("2318.HK", eventTime)},
		input{"bad", updateOf("2318.HK", eventTime+2)},
		input{"bad", updateOf("2318.HK", eventTime+1)},
		input{"bad", updateOf("9999.HK", eventTime)},
	)
	if s.Enriched != 2 || s.Unmatched != 1 || s.Quarantined != 2 || s.Rows != 3 {
		t.Errorf("summary = %+v", s)
	}
	wantOffsets(t, w, []int64{0, 1, 4}, []int64{2, 3})
	why := w.aside(t)[2].Rejection
	if why.Reason != feed.SinkRejected || why.Detail != "HBase at z:1: the cell is too large" {
		t.Errorf("rejection = %+v", why)
	}
	if len(w.data) != 3 || len(w.index) != 3 {
		t.Errorf("%d rows and %d index rows, want 3 of each", len(w.data), len(w.index))
	}
}

// A table that takes no event of a row is not asked for each of them.
func TestARowThatHBaseRejectsAlwaysIsGivenUp(t *testing.T) {
	w := newWorld(t)
	w.refuseRow = func(row *phoenix.Row) string {
		if bytes.Contains(row.Data.Key, []byte("bad|")) {
			return "no"
		}
		return ""
	}
	inputs := []input{{"good", updateOf("2318.HK", eventTime)}}
	for i := range int64(50) {
		inputs = append(inputs, input{"bad", updateOf("2318.HK", eventTime+i)})
	}
	if s := pushed(t, w, inputs...); s.Enriched != 1 || s.Quarantined != 50 {
		t.Errorf("summary = %+v", s)
	}
	if want := mostTries + 1; len(w.calls) != want {
		t.Errorf("%d calls of the sinks, want %d", len(w.calls), want)
	}
}

// tooLarge rejects what a topic with this max.message.bytes rejects.
func tooLarge(topic string, limit int) func(*kafka.Message) string {
	return func(m *kafka.Message) string {
		if m.Topic == topic && m.Size() > limit {
			return "topic " + topic + ": Message Size Too Large"
		}
		return ""
	}
}

// An output record that its topic rejects is set aside although its row is written.
func TestAnOutputRecordThatKafkaRejectsIsSetAside(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("s", 200)
	w.refuseMessage = tooLarge("out", 900)
	s := pushed(t, w, input{"good", updateOf("2318.HK", eventTime)}, input{long, updateOf("2318.HK", eventTime)}, input{"s", "bad"})
	if s.Enriched != 1 || s.Quarantined != 2 || s.Rows != 2 {
		t.Errorf("summary = %+v", s)
	}
	wantOffsets(t, w, []int64{0}, []int64{1, 2})
	q := w.aside(t)[1]
	if q.Rejection.Reason != feed.SinkRejected || !strings.Contains(q.Rejection.Detail, "Kafka at k:1: topic out") ||
		q.Delivery.Key != long || q.Delivery.Form != feed.Text {
		t.Errorf("set aside as %+v", q)
	}
}

// What is too large for the quarantine is cut, and once only.
func TestWhatTheQuarantineDoesNotTakeIsCut(t *testing.T) {
	for name, limit := range map[string]int{"its own size": feed.MaxSetAsideBytes, "Kafka's default": feed.MaxInputBytes, "very little": 2000} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.refuseMessage = tooLarge("bad", limit)
			value, key := strings.Repeat("\ufffd", 400_000), strings.Repeat("k", 1_200_000)
			pushed(t, w, input{"good", updateOf("2318.HK", eventTime)}, input{"s", value}, input{key, "v"}, input{"s", "bad"})
			wantOffsets(t, w, []int64{0}, []int64{1, 2, 3})
			aside := w.aside(t)
			q := aside[1]
			if q.Delivery.Form != feed.Cut || *q.WholeValue != feed.WholeOf(value) || q.WholeKey != nil ||
				q.Delivery.Key != "s" || !strings.HasPrefix(value, q.Delivery.Value) || q.Delivery.Value == "" {
				t.Errorf("set aside as %.200v", q)
			}
			q = aside[2]
			if q.Delivery.Form != feed.Cut || *q.WholeValue != feed.WholeOf("v") || *q.WholeKey != feed.WholeOf(key) || q.Delivery.Value != "v" {
				t.Errorf("set aside as %.200v", q)
			}
			if q := aside[3]; q.Delivery.Form != feed.Text || q.Delivery.Value != "bad" {
				t.Errorf("a small neighbour is set aside as %+v", q)
			}
		})
	}
}

// A quarantine that takes nothing fails the push, and the error says what is to be mended.
func TestAQuarantineThatTakesNothingFailsThePush(t *testing.T) {
	w := newWorld(t)
	w.refuseMessage = tooLarge("bad", 100)
	var log bytes.Buffer
	e := w.enricher()
	e.Logger = slog.New(slog.NewTextHandler(&log, nil))
	_, err := e.Push(t.Context(), push(t, 0, input{"s", "bad"}))
	testkit.WantError(t, err, "set aside feed-updates/3/0", "topic bad", "Message Size Too Large", "max.message.bytes")
	if !strings.Contains(log.String(), "rejects records for good") {
		t.Errorf("the log tells nothing of it: %s", log.String())
	}
}

func TestTheTraceOfAnInputRecordGoesOn(t *testing.T) {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	w := newWorld(t)
	w.refuseMessage = tooLarge("bad", 2000) // what is longer is cut
	headers := `"headers":{"headers":[{"key":"traceparent","value":"` + trace + `"}]}`
	event := `{"topic":"feed-updates","partition":1,"offset":%d,"key":"s","value":"%s",%s}`
	body := "[" + strings.Join([]string{
		fmt.Sprintf(event, 0, "2318.HK,1605760851123", headers), fmt.Sprintf(event, 1, "bad", headers),
		fmt.Sprintf(event, 2, "0941.HK,1605760851123", `"headers":{}`), fmt.Sprintf(event, 3, strings.Repeat("bad", 1000), headers),
	}, ",") + "]"
	if _, err := w.enricher().Push(t.Context(), []byte(body)); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for i := range w.produced {
		m := &w.produced[i]
		value, _ := m.Header(feed.HeaderTraceparent)
		got[m.Topic+" "+string(value)]++
	}
	if diff := cmp.Diff(map[string]int{"out " + trace: 1, "bad " + trace: 2, "out ": 1}, got); diff != "" {
		t.Error(diff)
	}
	if aside := w.aside(t); len(w.records(t)) != 2 || len(aside) != 2 || aside[3].Delivery.Form != feed.Cut {
		t.Error("a message with a trace is not read as what it is")
	}
}
