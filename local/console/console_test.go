package console_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"feedstream/local/console"
	"feedstream/local/console/guard"
	"feedstream/local/console/live"
	"feedstream/local/console/page"
	"feedstream/local/platform/manifest"
	"feedstream/local/platform/runtime"
	"feedstream/local/target"
)

// functions stand for those of a platform.
type functions struct {
	all     map[string][]runtime.Invocation
	ran     []string
	retried int
	refuse  error // of giving up
}

func (f *functions) Invocations() map[string][]runtime.Invocation { return f.all }

func (f *functions) RunTimer(_ context.Context, function string) ([]byte, error) {
	if function == "bad" {
		return nil, errors.New("it failed")
	}
	f.ran = append(f.ran, function)
	return []byte("ran"), nil
}

func (f *functions) RetryNow() int { f.retried++; return 2 }

func (f *functions) GiveUp() (int, error) { return 3, f.refuse }

// start serves the console of a stack with this status.
func start(t *testing.T, status live.Status) *console.Console {
	t.Helper()
	c := console.New(console.Config{
		Status: func() live.Status { return status }, Faults: &rules{}, Platform: &functions{}, Target: &target.Target{}, Manifest: &manifest.Manifest{},
	})
	t.Cleanup(c.Close)
	return c
}

func get(t *testing.T, c http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://localhost"+path, http.NoBody)
	r.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	return w
}

func TestStatus(t *testing.T) {
	c := start(t, live.Status{
		Ready:     true,
		Functions: []live.Function{{Name: "feed-<enrich>", Instances: 2, Invocations: 7, Errors: 1}},
		Verdicts:  live.Verdicts{Enriched: 41, Unmatched: 3, Quarantined: 2, DeadLettered: 1},
		Lag:       5,
		Failing: []target.Failing{{
			Topic: "in", Partition: 3, Offset: 9, Records: 4, Attempts: 7, Since: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), Error: "<no>",
		}},
	})
	want := `{"ready":true,"functions":[{"name":"feed-\u003cenrich\u003e","instances":2,"invocations":7,"errors":1}],` +
		`"verdicts":{"enriched":41,"unmatched":3,"quarantined":2,"deadLettered":1},"lag":5,` +
		`"reference":{"version":"","revision":0,"ageSeconds":0,"entries":0},` +
		`"failing":[{"topic":"in","partition":3,"offset":9,"records":4,"attempts":7,"since":"2026-11-24T12:00:00Z","error":"\u003cno\u003e"}]}`
	if got := get(t, c, "/api/status"); got.Code != http.StatusOK || strings.TrimSpace(got.Body.String()) != want {
		t.Errorf("the status is %d %s, want %s", got.Code, got.Body, want)
	}
}

// Every page is there, names itself, and holds neither script nor style of its own.
func TestPages(t *testing.T) {
	c := start(t, live.Status{Verdicts: live.Verdicts{Enriched: 41}})
	for _, p := range page.Pages {
		w := get(t, c, p.Path)
		body := w.Body.String()
		if w.Code != http.StatusOK || !strings.Contains(body, "<title>"+p.Title+" · feedstream</title>") ||
			!strings.Contains(body, `<a href="`+p.Path+`" aria-current="page">`) {
			t.Errorf("GET %s = %d %s", p.Path, w.Code, body)
		}
		for _, forbidden := range []string{"style=", "<style", "<script>", " onclick", "http://", "https://", "ZgotmplZ"} {
			if strings.Contains(body, forbidden) {
				t.Errorf("page %s holds %s", p.Path, forbidden)
			}
		}
	}
	if w := get(t, c, "/elsewhere"); w.Code != http.StatusNotFound {
		t.Errorf("a page that is not there answers %d", w.Code)
	}
}

// The overview shows figures before any script has run, and says what is wrong.
func TestOverview(t *testing.T) {
	c := start(t, live.Status{
		Verdicts: live.Verdicts{Enriched: 1234567}, Faults: 1,
		Failing: []target.Failing{{Topic: "in", Partition: 3, Offset: 9, Records: 4, Attempts: 7, Error: "HBase <no>"}},
	})
	var body string
	for body == "" || !strings.Contains(body, "1,234,567") { // the first sample comes on its own
		body = get(t, c, "/").Body.String()
	}
	for _, want := range []string{
		`<span data-live="enriched" data-form="count">1,234,567</span>`, "pushes that fail: 1", "HBase &lt;no&gt;",
		`<a href="/platform#streams">retry now</a>`, "Fault rules are on, 1 of them", "No reference was ever announced",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the overview does not hold %s:\n%s", want, body)
		}
	}
}

// Who asks from beyond this machine is let in with the token.
func TestEntrance(t *testing.T) {
	config := console.Config{
		Status: func() live.Status { return live.Status{} }, Faults: &rules{}, Platform: &functions{}, Target: &target.Target{}, Manifest: &manifest.Manifest{},
	}
	here := console.New(config)
	defer here.Close()
	if here.Entrance() != "" {
		t.Errorf("the entrance of a console that listens here only is %q", here.Entrance())
	}
	for _, token := range []string{guard.NewToken(), "a token & of=one's+own #1 100%"} {
		config.Token = token
		beyond := console.New(config)
		defer beyond.Close()
		for path, want := range map[string]int{"/": http.StatusUnauthorized, beyond.Entrance(): http.StatusSeeOther} {
			r := httptest.NewRequest(http.MethodGet, "http://10.0.0.2"+path, http.NoBody)
			r.RemoteAddr = "10.0.0.9:1"
			w := httptest.NewRecorder()
			beyond.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("GET %s from elsewhere answers %d, want %d", path, w.Code, want)
			}
		}
	}
}

// What an action is called with from another site is refused, whatever it is.
func TestActionsRefuseOtherSites(t *testing.T) {
	s := newStand(t)
	for _, path := range []string{"/platform/retry", "/platform/give-up", "/platform/faults/set", "/platform/timer", "/reference/command", "/aside/redrive", "/try/publish", "/try/audit", "/api/retry", "/api/give-up"} {
		r := httptest.NewRequest(http.MethodPost, "http://localhost"+path, http.NoBody)
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden {
			t.Errorf("POST %s from another site answers %d", path, w.Code)
		}
	}
	if s.functions.retried != 0 {
		t.Error("something was done")
	}
	for _, path := range []string{"/aside", "/table.csv?code=2318.HK", "/platform/doctor", "/record/way?at=a/0/1", "/api/status"} {
		r := httptest.NewRequest(http.MethodGet, "http://localhost"+path, http.NoBody)
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Sec-Fetch-Mode", "no-cors")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden {
			t.Errorf("GET %s from another site answers %d", path, w.Code)
		}
	}
}

// Who is not let in is told counters and no text of an error; who brings the token is told all and sets faults, by the
// API as by the page.
func TestTokenOfAProgram(t *testing.T) {
	const token = "the-token"
	set := &rules{}
	c := console.New(console.Config{
		Status: func() live.Status {
			return live.Status{Failing: []target.Failing{{Topic: "in", Attempts: 7, Error: "HBase says no"}}, Streams: []live.Stream{{LastError: "it says no"}}}
		},
		Faults: set, Platform: &functions{}, Target: &target.Target{}, Manifest: &manifest.Manifest{}, Token: token,
	})
	defer c.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = "10.0.0.9:1"
		c.ServeHTTP(w, r)
	}))
	defer server.Close()
	for name, test := range map[string]struct {
		client console.Client
		in     bool
	}{
		"without a token": {console.Client{Console: server.URL}, false},
		"with another":    {console.Client{Console: server.URL, Token: "no"}, false},
		"with the token":  {console.Client{Console: server.URL, Token: token}, true},
	} {
		if _, err := test.client.SetFaults(t.Context(), 1, "a.b"); (err == nil) != test.in || (len(set.set) == 1) != test.in {
			t.Errorf("%s: %v, set %+v", name, err, set.set)
		}
		set.set = nil
		failing, err := (&target.Target{Console: server.URL, ConsoleToken: test.client.Token}).Failing(t.Context())
		if err != nil || len(failing) != 1 || failing[0].Attempts != 7 || (failing[0].Error != "") != test.in {
			t.Errorf("%s: failing %+v, %v", name, failing, err)
		}
	}
}
