package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"feedstream/shared/fc"
	"feedstream/shared/oss/osstest"
	"feedstream/shared/reference"
	"feedstream/shared/testkit"
)

const (
	timerEvent  = `{"triggerTime":"2026-11-24T12:00:00Z","triggerName":"hourly","payload":"refresh"}`
	manifestKey = "stock/manifest.json"
)

// world is a source in memory and an object store in memory, under one clock.
type world struct {
	now       time.Time
	store     *osstest.Memory
	documents []reference.Document
	sourceErr error // comes after the documents

	maxPriceChange float64
}

func newWorld(symbols ...string) *world {
	w := &world{now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	w.store = osstest.NewMemory(func() time.Time { return w.now })
	w.fill(symbols...)
	return w
}

func (w *world) fill(symbols ...string) {
	w.documents = nil
	for i, symbol := range symbols {
		w.documents = append(w.documents, reference.Document{
			ID: fmt.Sprintf("id-%d", i), Symbol: symbol, CompanyName: "Company " + symbol, LastPrice: 78.25,
		})
	}
}

func (w *world) Read(_ context.Context, yield func(reference.Document) error) error {
	for _, d := range w.documents {
		if err := yield(d); err != nil {
			return err
		}
	}
	return w.sourceErr
}

func (w *world) refresher() *Refresher {
	announcer := &reference.Announcer{Objects: w.store, Prefix: "stock/", Now: func() time.Time { return w.now }}
	return &Refresher{
		Source: w, Announcer: announcer, Pins: announcer,
		Policy:   reference.Policy{MinEntries: 1, MaxShrink: 0.2, MaxPriceChange: w.maxPriceChange},
		Database: "reference", Collection: "stock", Logger: testkit.Quiet(),
	}
}

func (w *world) refresh(t *testing.T) reference.Outcome {
	t.Helper()
	answer, err := w.refresher().Invoke(t.Context(), []byte(timerEvent))
	if err != nil {
		t.Fatal(err)
	}
	var outcome reference.Outcome
	if err := json.Unmarshal(answer, &outcome); err != nil {
		t.Fatal(err)
	}
	return outcome
}

// manifest returns the stored manifest as it is, "" when there is none.
func (w *world) manifest(t *testing.T) string {
	t.Helper()
	object, err := w.store.Get(t.Context(), manifestKey, "")
	if err != nil && !errors.Is(err, reference.ErrNotFound) {
		t.Fatal(err)
	}
	return string(object.Body)
}

func (w *world) parsed(t *testing.T) reference.Manifest {
	t.Helper()
	m, err := reference.ParseManifest([]byte(w.manifest(t)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFirstRefreshAnnouncesASnapshot(t *testing.T) {
	w := newWorld("2318.HK", "0941.HK")
	got, m := w.refresh(t), w.parsed(t)
	want := reference.Outcome{Action: "refresh", Version: m.Version, Revision: 1, Changed: true, Entries: 2,
		Report: reference.Report{Read: 2, Admitted: 2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantSource := reference.Source{Database: "reference", Collection: "stock", Read: 2}
	if diff := cmp.Diff(wantSource, m.Source); diff != "" || !m.CheckedAt.Equal(w.now) || m.Previous != "" {
		t.Errorf("manifest = %+v, %s", m, diff)
	}
	object, err := w.store.Get(t.Context(), m.Object, "")
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := m.Verify(object.Body)
	if err != nil {
		t.Fatal(err)
	}
	if entry, ok := snapshot.Lookup("2318.HK"); !ok || entry.Name != "Company 2318.HK" || entry.Price.String() != "78.25" {
		t.Errorf("entry = %+v, %t", entry, ok)
	}
}

func TestUnchangedContentRenewsTheCheckOnly(t *testing.T) {
	w := newWorld("2318.HK")
	w.refresh(t)
	before := w.parsed(t)
	w.now = w.now.Add(time.Hour)
	got, after := w.refresh(t), w.parsed(t)
	if got.Changed || got.Version != before.Version || got.Revision != 2 {
		t.Errorf("outcome = %+v", got)
	}
	want := before
	want.Revision, want.CheckedAt = 2, w.now
	if diff := cmp.Diff(want, after); diff != "" {
		t.Error(diff)
	}
	snapshots, err := w.store.List(t.Context(), "stock/snapshots/")
	if err != nil || len(snapshots) != 1 {
		t.Errorf("%d snapshots, %v", len(snapshots), err)
	}
}

func TestChangedContentNamesThePreviousVersion(t *testing.T) {
	w := newWorld("2318.HK")
	first := w.refresh(t)
	w.now = w.now.Add(time.Hour)
	w.fill("2318.HK", "0941.HK")
	if got, m := w.refresh(t), w.parsed(t); !got.Changed || got.Revision != 2 || m.Previous != first.Version {
		t.Errorf("outcome = %+v, manifest = %+v", got, m)
	}
}

func TestOldSnapshotsAreCleanedAndAFailureOfThatIsNone(t *testing.T) {
	w := newWorld()
	w.refreshTimes(t, 20)
	w.store.Fault(func(op osstest.Op, _ string) osstest.Fault {
		if op == osstest.OpDelete {
			return osstest.Fault{Err: errors.New("broken")}
		}
		return osstest.Fault{}
	})
	if got := w.refreshTimes(t, 1); got.Deleted != 0 || got.Revision != 21 {
		t.Errorf("outcome without deletes = %+v", got)
	}
	w.store.Fault(nil)
	if got := w.refreshTimes(t, 1); got.Deleted != 2 {
		t.Errorf("outcome = %+v", got)
	}
}

// refreshTimes adds one document before each refresh.
func (w *world) refreshTimes(t *testing.T, n int) (last reference.Outcome) {
	t.Helper()
	for range n {
		w.now = w.now.Add(time.Hour)
		code := fmt.Sprintf("%d.HK", len(w.documents))
		w.documents = append(w.documents, reference.Document{ID: code, Symbol: code, CompanyName: code})
		last = w.refresh(t)
	}
	return last
}

func TestARefusedRefreshKeepsTheManifest(t *testing.T) {
	codes := []string{"1.HK", "2.HK", "3.HK", "4.HK", "5.HK"}
	bad := reference.Document{ID: "id-bad", Symbol: "6.HK", CompanyName: "Six", LastPrice: -1.0}
	for _, test := range []struct {
		name   string
		change func(*world)
		names  []string
	}{
		{"empty", func(w *world) { w.fill() }, []string{"REFERENCE_MIN_ENTRIES", "read 0"}},
		{"shrink", func(w *world) { w.fill(codes[:3]...) }, []string{"from 5 entries to 3", "REFERENCE_MAX_SHRINK"}},
		{"rejected", func(w *world) { w.documents = append(w.documents, bad) },
			[]string{"REFERENCE_MAX_REJECTED", "id-bad", "6.HK", "negative"}},
		{"wrong types", func(w *world) {
			w.documents = append(w.documents, reference.Document{ID: "id-bad", Symbol: "6.HK", CompanyName: "Six", LastPrice: true})
		}, []string{"REFERENCE_MAX_REJECTED", "id-bad", "a bool is not a number"}},
		{"a price that jumps", func(w *world) { w.documents[0].LastPrice = 782.5; w.maxPriceChange = 0.5 },
			[]string{"REFERENCE_MAX_PRICE_CHANGE", "the price of 1.HK would go from 78.25 to 782.5"}},
		{"twice", func(w *world) { w.fill(append(codes, "1.HK")...) },
			[]string{"REFERENCE_MAX_REJECTED", "id-0", "id-5", "1.HK"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(codes...)
			w.refresh(t)
			before, puts := w.manifest(t), w.store.Calls(osstest.OpPut)
			test.change(w)
			_, err := w.refresher().Invoke(t.Context(), []byte(timerEvent))
			var refused *reference.RefusedError
			if !errors.As(err, &refused) {
				t.Fatalf("error = %v", err)
			}
			for _, name := range test.names {
				if !strings.Contains(err.Error(), name) {
					t.Errorf("the error does not name %s: %v", name, err)
				}
			}
			w.checkUntouched(t, before, puts)
		})
	}
}

func TestAFirstRefreshOfNothingIsRefused(t *testing.T) {
	w := newWorld()
	if _, err := w.refresher().Invoke(t.Context(), []byte(timerEvent)); err == nil {
		t.Error("an empty reference was announced")
	}
	w.checkUntouched(t, "", 0)
}

func TestAShrinkWithinTheLimitIsAnnounced(t *testing.T) {
	w := newWorld("1.HK", "2.HK", "3.HK", "4.HK", "5.HK")
	w.refresh(t)
	w.fill("1.HK", "2.HK", "3.HK", "4.HK")
	if got := w.refresh(t); got.Entries != 4 {
		t.Errorf("outcome = %+v", got)
	}
}

func (w *world) checkUntouched(t *testing.T, before string, puts int) {
	t.Helper()
	if diff := cmp.Diff(before, w.manifest(t)); diff != "" {
		t.Error(diff)
	}
	if now := w.store.Calls(osstest.OpPut); now != puts {
		t.Errorf("%d objects were written", now-puts)
	}
}

func TestErrorsOfSourceAndStoreKeepTheManifest(t *testing.T) {
	broken := errors.New("broken")
	fail := func(failed osstest.Op, key string) func(*world) {
		return func(w *world) {
			w.store.Fault(func(op osstest.Op, k string) osstest.Fault {
				if op == failed && strings.HasPrefix(k, key) {
					return osstest.Fault{Err: broken}
				}
				return osstest.Fault{}
			})
		}
	}
	for name, breakIt := range map[string]func(*world){
		"source":         func(w *world) { w.sourceErr = broken },
		"read manifest":  fail(osstest.OpGet, manifestKey),
		"write snapshot": fail(osstest.OpPut, "stock/snapshots/"),
		"write manifest": fail(osstest.OpPut, manifestKey),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld("1.HK")
			w.refresh(t)
			before := w.manifest(t)
			w.fill("1.HK", "2.HK")
			breakIt(w)
			if _, err := w.refresher().Invoke(t.Context(), []byte(timerEvent)); !errors.Is(err, broken) {
				t.Fatalf("error = %v", err)
			}
			w.store.Fault(nil)
			w.sourceErr = nil
			if diff := cmp.Diff(before, w.manifest(t)); diff != "" {
				t.Error(diff)
			}
			if got := w.refresh(t); got.Entries != 2 || got.Revision != 2 {
				t.Errorf("after the repetition: %+v", got)
			}
		})
	}
}

func TestAPinnedVersionIsLeftAlone(t *testing.T) {
	w := newWorld("1.HK", "2.HK")
	w.refresh(t)
	m := w.parsed(t)
	m.Pinned = true
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Put(t.Context(), manifestKey, body, true); err != nil {
		t.Fatal(err)
	}
	before, puts := w.manifest(t), w.store.Calls(osstest.OpPut)
	w.fill("1.HK", "2.HK", "3.HK")
	want := reference.Outcome{Action: "refresh", Version: m.Version, Revision: 1, Pinned: true, Entries: 2,
		Report: reference.Report{Read: 3, Admitted: 3}}
	if diff := cmp.Diff(want, w.refresh(t)); diff != "" {
		t.Error(diff)
	}
	w.checkUntouched(t, before, puts)
}

func TestEventsThatAreNoRefreshAreRefused(t *testing.T) {
	for event, names := range map[string]string{
		"":                                    "timer event",
		"[]":                                  "timer event",
		"{}":                                  "triggerName",
		`{"triggerName":"hourly"}`:            "triggerTime",
		`[{"data":{"topic":"feed-updates"}}]`: "timer event",
		strings.Replace(timerEvent, "refresh", "drop", 1): `"drop"`,
	} {
		w := newWorld("1.HK")
		if _, err := w.refresher().Invoke(t.Context(), []byte(event)); err == nil || !strings.Contains(err.Error(), names) {
			t.Errorf("%q: the error does not name %s: %v", event, names, err)
		}
		w.checkUntouched(t, "", 0)
	}
	w := newWorld("1.HK")
	if _, err := w.refresher().Invoke(t.Context(), []byte(strings.Replace(timerEvent, "refresh", "", 1))); err != nil {
		t.Errorf("an empty payload: %v", err)
	}
}

func TestARefreshLogsOneLine(t *testing.T) {
	w := newWorld("2318.HK", "0941.HK")
	logged := func(event string) map[string]any {
		t.Helper()
		var out bytes.Buffer
		r := w.refresher()
		r.Logger = fc.NewLogger(&out, slog.LevelInfo, fc.Instance{})
		_, _ = r.Invoke(t.Context(), []byte(event))
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatalf("%q: %v", out.Bytes(), err)
		}
		if _, timed := line["durationMs"].(float64); !timed || line["msg"] != "refresh" {
			t.Errorf("the line is %v", line)
		}
		for _, member := range []string{"time", "msg", "coldStart", "durationMs"} {
			delete(line, member)
		}
		return line
	}
	first := logged(timerEvent)
	version := w.parsed(t).Version
	want := map[string]any{"level": "INFO", "failed": false, "action": "refresh", "read": 2.0, "rejected": 0.0,
		"referenceVersion": version, "revision": 1.0, "entries": 2.0, "announced": true, "pinned": false}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	want["announced"], want["revision"] = false, 2.0
	if diff := cmp.Diff(want, logged(timerEvent)); diff != "" {
		t.Errorf("unchanged: %s", diff)
	}
	w.fill("2318.HK")
	refused := logged(timerEvent)
	if refused["level"] != "ERROR" || refused["failed"] != true || refused["read"] != 1.0 || refused["error"] == "" || refused["entries"] != nil {
		t.Errorf("a refused refresh logs %v", refused)
	}
	if bad := logged("no JSON"); bad["failed"] != true || bad["action"] != "" {
		t.Errorf("an event that is none logs %v", bad)
	}
}

// The README's table has every member that a refresh may log, and no other.
func TestTheReadmeHasEveryFieldOfARefresh(t *testing.T) {
	w := newWorld("2318.HK")
	logged := map[string]bool{"requestId": true} // of a request
	for range 2 {
		var out bytes.Buffer
		r := w.refresher()
		r.Logger = fc.NewLogger(&out, slog.LevelInfo, fc.Instance{Function: "f", Version: "v", ID: "i"})
		_, _ = r.Invoke(t.Context(), []byte(timerEvent))
		w.fill() // the next one is refused
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		for name := range line {
			logged[name] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(logged)), testkit.LineFields(t, "../../README.md", "refresh")); diff != "" {
		t.Errorf("the line of a refresh (-code +README):\n%s", diff)
	}
}
