package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"feedstream/shared/fc"
	"feedstream/shared/feed"
	"feedstream/shared/phoenix"
	"feedstream/shared/testkit"
)

// lines are the lines "push" that were logged, in order.
func lines(t testing.TB, log []byte) (found []map[string]any) {
	t.Helper()
	for text := range bytes.Lines(log) {
		if len(text) > fc.MaxLineBytes {
			t.Errorf("a line has %d bytes", len(text))
		}
		var line map[string]any
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if line["msg"] == "push" {
			found = append(found, line)
		}
	}
	return found
}

// handled sends pushes as the platform does and returns the lines they logged. Its clock ticks a millisecond
// each time it is read.
func handled(t testing.TB, e *Enricher, bodies ...[]byte) []map[string]any {
	t.Helper()
	var log bytes.Buffer
	e.Logger = fc.NewLogger(&log, slog.LevelInfo, fc.Instance{Function: "feed-enrich", Version: "7", ID: "c-1"})
	clock := now
	e.Now = func() time.Time { clock = clock.Add(time.Millisecond); return clock }
	handler := fc.Handler(fc.Config{Logger: e.Logger, RequestLines: io.Discard}, fc.Function{Invoke: e.Push})
	for i, body := range bodies {
		r := httptest.NewRequest(http.MethodPost, "/invoke", bytes.NewReader(body))
		r.Header.Set("x-fc-request-id", fmt.Sprintf("r-%d", i))
		r.Header.Set("x-fc-function-timeout", "60")
		r.Header.Set("x-fc-retry-count", "2")
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	return lines(t, log.Bytes())
}

// phaseDurations are the members that hold those.
func phaseDurations(line map[string]any) (total float64, names []string) {
	for p := range phases {
		if ms, ok := line[p.String()+"Ms"].(float64); ok {
			total += ms
			names = append(names, p.String())
		}
	}
	return total, names
}

func TestAPushLogsOneLine(t *testing.T) {
	w := newWorld(t)
	logged := handled(t, w.enricher(), push(t, 40,
		input{"s", "2318.HK,1605760851123"}, input{"s", "9999.HK,1605760851123"}, input{nil, "x"}, input{nil, "y"}, input{"s", "bad"}),
		[]byte("[]"))
	if len(logged) != 2 {
		t.Fatalf("two pushes logged %d lines", len(logged))
	}
	line := logged[0]
	total, names := phaseDurations(line)
	if len(names) != int(phases) || total <= 0 || total > line["durationMs"].(float64) {
		t.Errorf("the phases %v take %v ms together, the push %v", names, total, line["durationMs"])
	}
	for _, name := range append(names, "duration", "deadlineLeft") {
		if _, ok := line[name+"Ms"].(float64); !ok {
			t.Errorf("%sMs is %v", name, line[name+"Ms"])
		}
		delete(line, name+"Ms")
	}
	age := float64(now.UnixMilli() + 1 - 1605760851123)
	want := map[string]any{
		"time": line["time"], "level": "INFO", "msg": "push", "function": "feed-enrich", "version": "7", "instance": "c-1",
		"requestId": "r-0", "coldStart": true, "attempt": 3.0, "failed": false,
		"bytes": line["bytes"], "events": 5.0, "oldestRecordAgeMs": age, "newestRecordAgeMs": age,
		"offsets":  []any{map[string]any{"topic": "feed-updates", "partition": 3.0, "first": 40.0, "last": 44.0, "records": 5.0}},
		"enriched": 1.0, "unmatched": 1.0, "quarantined": 3.0, "rows": 2.0,
		"reasons":          map[string]any{"missing-key": 2.0, "malformed-value": 1.0},
		"referenceVersion": "20261123T021500Z-3f2a91c4", "referenceAgeSeconds": 60.0, "referenceStale": false,
	}
	if diff := cmp.Diff(want, line); diff != "" {
		t.Error(diff)
	}
	if empty := logged[1]; empty["events"] != 0.0 || empty["coldStart"] != false || empty["oldestRecordAgeMs"] != nil {
		t.Errorf("an empty push logs %v", empty)
	}
}

func TestAFailedPushLogsWhereItFailed(t *testing.T) {
	broken := errors.New("broken")
	good := push(t, 7, input{"s", "2318.HK,1605760851123"}, input{"s", "bad"})
	for _, test := range []struct {
		phase phase
		fail  func(*world)
		body  []byte
	}{
		{decode, func(*world) {}, []byte("no JSON")},
		{takeSnapshot, func(w *world) { w.snapshotErr = broken }, good},
		{checkLayout, func(w *world) { w.layoutErr = broken }, good},
		{dataRows, func(w *world) { w.rowsErr = broken }, good},
		{produce, func(w *world) { w.topicsErr = broken }, good},
	} {
		t.Run(test.phase.String(), func(t *testing.T) {
			w := newWorld(t)
			e := w.enricher()
			if _, err := e.Push(t.Context(), good); err != nil {
				t.Fatal(err)
			}
			test.fail(w)
			line := handled(t, e, test.body)[0]
			if line["level"] != "ERROR" || line["failed"] != true || line["failedPhase"] != test.phase.String() || line["error"] == "" {
				t.Errorf("the line says %v %v %v %v", line["level"], line["failed"], line["failedPhase"], line["error"])
			}
			_, names := phaseDurations(line)
			if names[len(names)-1] != test.phase.String() {
				t.Errorf("the line has the phases %v", names)
			}
			for member, from := range map[string]phase{"events": takeSnapshot, "offsets": takeSnapshot, "oldestRecordAgeMs": takeSnapshot,
				"referenceVersion": checkLayout, "quarantined": judgeAll, "reasons": judgeAll} {
				if _, said := line[member]; said != (test.phase >= from) {
					t.Errorf("%s is %v in a push that failed at %s", member, line[member], test.phase)
				}
			}
		})
	}
}

func TestAPushThatPanicsIsLoggedAsFailed(t *testing.T) {
	w := newWorld(t)
	w.refuseRow = func(*phoenix.Row) string { panic("boom") }
	line := handled(t, w.enricher(), push(t, 0, input{"s", "2318.HK,1605760851123"}))[0]
	if line["failed"] != true || line["failedPhase"] != "indexRows" {
		t.Errorf("the line says failed %v in %v", line["failed"], line["failedPhase"])
	}
}

func TestAStalePushIsLoggedAsAWarning(t *testing.T) {
	w := newWorld(t)
	w.stale = true
	if line := handled(t, w.enricher(), []byte("[]"))[0]; line["level"] != "WARN" || line["referenceStale"] != true {
		t.Errorf("the line says %v %v", line["level"], line["referenceStale"])
	}
}

// The platform cuts a line of more than 32 KB, and what is left is no JSON.
func TestALineIsBounded(t *testing.T) {
	const many = 10_000
	hostile := strings.Repeat("\x00\"\u2028", 100)
	l := newLine(func() time.Time { return now }, 1)
	l.enter(produce)
	l.deliveries = make([]feed.Delivery, many)
	l.verdicts = make([]verdict, many)
	for i := range many {
		l.deliveries[i].Origin = feed.Origin{Topic: hostile, Partition: i, Offset: int64(i)}
		l.verdicts[i].why = &feed.Rejection{Reason: feed.Reason(fmt.Sprint(hostile, i))}
	}
	w := newWorld(t)
	view, _ := w.Current(t.Context())
	l.snapshot = &view
	var log bytes.Buffer
	logger := fc.NewLogger(&log, slog.LevelInfo, fc.Instance{Function: "feed-enrich", Version: "LATEST", ID: "c-1"})
	l.count()
	l.log(context.Background(), logger, now, errors.New(strings.Repeat(hostile, many)))

	line := lines(t, log.Bytes())[0]
	kept, reasons := line["offsets"].([]any), line["reasons"].(map[string]any)
	if len(kept) == 0 || float64(len(kept))+line["offsetsLeftOut"].(float64) != many {
		t.Errorf("%d partitions are named and %v left out", len(kept), line["offsetsLeftOut"])
	}
	if len(reasons) == 0 || float64(len(reasons))+line["reasonsLeftOut"].(float64) != many {
		t.Errorf("%d reasons are named and %v left out", len(reasons), line["reasonsLeftOut"])
	}
	if !strings.HasSuffix(line["error"].(string), "bytes more)") {
		t.Errorf("the error is %.100v", line["error"])
	}
}

// BenchmarkLine is what the line costs a push of a thousand records.
func BenchmarkLine(b *testing.B) {
	w := newWorld(b)
	view := testkit.Must(w.Current(b.Context()))(b)
	logger := fc.NewLogger(io.Discard, slog.LevelInfo, fc.Instance{})
	deliveries, verdicts := make([]feed.Delivery, 1000), make([]verdict, 1000)
	for i := range deliveries {
		deliveries[i].Origin = feed.Origin{Topic: "feed-updates", Partition: i / 250, Offset: int64(i)}
	}
	b.ReportAllocs()
	for b.Loop() {
		l := newLine(time.Now, 1)
		for p := range phases {
			l.enter(p)
		}
		l.deliveries, l.verdicts, l.snapshot = deliveries, verdicts, &view
		l.succeed()
		l.log(b.Context(), logger, time.Now(), nil)
	}
}

// The README's table has every member that a push may log, and no other.
func TestTheReadmeHasEveryFieldOfAPush(t *testing.T) {
	w := newWorld(t)
	good := handled(t, w.enricher(), push(t, 0, input{"s", "2318.HK,1605760851123"}))[0]
	w.topicsErr = errors.New("broken")
	failed := handled(t, w.enricher(), push(t, 0, input{"s", "2318.HK,1605760851123"}))[0]
	logged := map[string]bool{"offsetsLeftOut": true, "reasonsLeftOut": true} // of a line that would be too long
	for _, line := range []map[string]any{good, failed} {
		for name := range line {
			logged[name] = true
		}
	}
	logged["reasons"] = true // slog leaves an empty group out
	if diff := cmp.Diff(slices.Sorted(maps.Keys(logged)), testkit.LineFields(t, "../../README.md", "push")); diff != "" {
		t.Errorf("the line of a push (-code +README):\n%s", diff)
	}
}
