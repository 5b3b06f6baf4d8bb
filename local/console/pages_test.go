package console_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"feedstream/local/console"
	"feedstream/local/console/live"
	"feedstream/local/platform/manifest"
	"feedstream/local/platform/runtime"
	"feedstream/local/services/fault"
	"feedstream/local/target"
)

// stand is a console beside what it acts on.
type stand struct {
	*console.Console
	functions *functions
	faults    *rules
}

func newStand(t *testing.T) stand {
	t.Helper()
	s := stand{faults: &rules{}, functions: &functions{all: map[string][]runtime.Invocation{
		"feed-enrich": {{
			ID: "1-00000000-000000000000000000000001", Path: "/invoke", Instance: "1-12345678-0", Began: time.Unix(9, 0), Attempt: 3, Cold: true,
			Duration: 5 * time.Millisecond, EventBytes: 20, Event: []byte(`[{"a":"<b>"}]`), Answer: []byte(`{"enriched":7,"unmatched":2,"quarantined":1}`),
			Lines: []string{`{"msg":"push","events":10,"decodeMs":1,"dataRowsMs":3,"durationMs":5}`},
		}},
		"feed-query": {{ID: "1-00000000-000000000000000000000002", Path: "/http-invoke", Error: "it failed", Began: time.Unix(8, 0)}},
	}}}
	s.Console = console.New(console.Config{
		Status: func() live.Status { return live.Status{} }, Faults: s.faults, Platform: s.functions, Target: &target.Target{Names: target.Names{Refresh: "feed-refresh"}},
		Manifest: &manifest.Manifest{Functions: []manifest.Function{{
			Name: "feed-refresh", Timers: []manifest.Timer{{Name: "every-five", Cron: "@every 5m", Enabled: true}},
		}}},
	})
	t.Cleanup(s.Close)
	return s
}

func (s stand) post(t *testing.T, path string, form url.Values) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://localhost"+path, strings.NewReader(form.Encode()))
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("POST %s answers %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

func contains(t *testing.T, what, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not hold %q:\n%s", what, want, text)
		}
	}
}

func TestInvocations(t *testing.T) {
	s := newStand(t)
	contains(t, "the list", get(t, s, "/invocations").Body.String(), "7 enriched, 2 unmatched, 1 quarantined", "attempt 3", ">cold<", "12345678", "failed", ">10<")
	failed := get(t, s, "/invocations/list?failed=1").Body.String()
	if strings.Contains(failed, "7 enriched") || !strings.Contains(failed, "feed-query") {
		t.Errorf("those that failed are %s", failed)
	}
	one := get(t, s, "/invocations/1-00000000-000000000000000000000001").Body.String()
	contains(t, "the invocation", one, "data rows", "3.00 ms", `&#34;a&#34;: &#34;&lt;b&gt;&#34;`, "its beginning", `width="360.0"`)
	contains(t, "one that is gone", get(t, s, "/invocations/none").Body.String(), "not kept any more")
	contains(t, "the list of nothing", get(t, start(t, live.Status{}), "/invocations").Body.String(), "No invocation yet")
}

func TestPlatform(t *testing.T) {
	s := newStand(t)
	contains(t, "the page", get(t, s, "/platform").Body.String(), "every-five", "@every 5m", `data-command="feedstream refresh"`, "No fault is on")
	contains(t, "retry", s.post(t, "/platform/retry", nil), "tried now")
	contains(t, "giving up", s.post(t, "/platform/give-up", nil), "given up: 3")
	s.functions.refuse = errors.New("no place for dead letters")
	contains(t, "giving up in vain", s.post(t, "/platform/give-up", nil), "no place for dead letters", "What to do")
	contains(t, "a timer", s.post(t, "/platform/timer", url.Values{"function": {"feed-refresh"}}), "feed-refresh has run")
	contains(t, "a timer that fails", s.post(t, "/platform/timer", url.Values{"function": {"bad"}}), "it failed", "What to do")
	if s.functions.retried != 1 || len(s.functions.ran) != 1 {
		t.Errorf("retried %d times, ran %q", s.functions.retried, s.functions.ran)
	}
	contains(t, "no rule", s.post(t, "/platform/faults/set", nil), "no rule to set")
	contains(t, "a bad rule", s.post(t, "/platform/faults/set", url.Values{"rules": {"bad"}}), "nothing is called", "What to do")
	contains(t, "a bad seed", s.post(t, "/platform/faults/set", url.Values{"rules": {"a.b"}, "seed": {"x"}}), "is no number")
	contains(t, "two rules", s.post(t, "/platform/faults/set", url.Values{"rules": {"a.b\r\n\r\n c.d"}, "seed": {"7"}}), "hold from now on: 2")
	if len(s.faults.set) != 2 || s.faults.set[1].Rule.Call != "c.d" {
		t.Errorf("set %+v", s.faults.set)
	}
	s.faults.set = []fault.Injected{{Rule: fault.Rule{Call: "a.b"}, Times: 4}}
	contains(t, "the faults", get(t, s, "/platform/faults").Body.String(), "a.b", ">4<")
	contains(t, "cleared", s.post(t, "/platform/faults/clear", nil), "No fault is on any more", "4 times  a.b")
}

func TestRetryByTheAPI(t *testing.T) {
	s := newStand(t)
	server := httptest.NewServer(s)
	defer server.Close()
	c := console.Client{Console: server.URL}
	if waited, err := c.RetryNow(t.Context()); err != nil || s.functions.retried != 1 || waited.Pushes != 2 {
		t.Errorf("retried %d times, %+v: %v", s.functions.retried, waited, err)
	}
	if waited, err := c.GiveUp(t.Context()); err != nil || waited.Pushes != 3 {
		t.Errorf("gave up %+v: %v", waited, err)
	}
	s.functions.refuse = errors.New("no place for dead letters")
	if _, err := c.GiveUp(t.Context()); err == nil || !strings.Contains(err.Error(), "no place for dead letters") {
		t.Errorf("error = %v", err)
	}
}

// What cannot be done says what happened and what to do.
func TestErrorsHaveARemedy(t *testing.T) {
	s := newStand(t)
	for path, want := range map[string]string{
		"/record?at=nowhere":          "is no place in a topic",
		"/record/way?at=a/0/1":        "KAFKA_BROKERS is missing",
		"/table?code=2318.HK":         "no HTTP trigger",
		"/aside":                      "KAFKA_BROKERS is missing",
		"/aside/list?from=deadletter": "KAFKA_BROKERS is missing",
		"/aside/list?at=x":            "is not partition:offset",
		"/reference":                  "OSS_ENDPOINT is missing",
		"/reference/diff?before=a":    "OSS_ENDPOINT is missing",
	} {
		contains(t, path, get(t, s, path).Body.String(), want, "What to do")
	}
	for path, form := range map[string]url.Values{
		"/try/publish":       {"key": {"a"}, "value": {"b"}},
		"/reference/command": {"action": {"refresh"}},
		"/aside/redrive":     {"max": {"many"}},
	} {
		contains(t, path, s.post(t, path, form), "That did not work", "What to do")
	}
	contains(t, "too much", s.post(t, "/try/publish", url.Values{"pasted": {strings.Repeat("a b\n", 101)}}), "at most 100")
}
