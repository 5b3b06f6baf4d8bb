package fc

import (
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
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"feedstream/shared/testkit"
)

// bench is a handler whose log lines and request lines are kept.
type bench struct {
	*handler
	logged, lines testkit.Log
}

func newBench(f Function) *bench {
	b := &bench{}
	b.handler = newHandler(Config{
		MemoryMB:    128,
		Credentials: Credentials{AccessKeyID: "env-id", AccessKeySecret: "env-secret"},
		Logger:      NewLogger(&b.logged, slog.LevelInfo, Instance{}), RequestLines: &b.lines,
	}, f)
	return b
}

func (b *bench) send(method, path, body string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, response *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestRouting(t *testing.T) {
	var called string
	note := func(what string) func(context.Context) error {
		return func(context.Context) error { called = what; return nil }
	}
	b := newBench(Function{
		Initialize: note("initialize"), PreStop: note("pre-stop"),
		Invoke: func(_ context.Context, event []byte) ([]byte, error) {
			called = "invoke " + string(event)
			return []byte(`"ok"`), nil
		},
		HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { called = "http " + r.Method + " " + r.URL.Path }),
	})
	for _, test := range []struct{ method, path, control, want string }{
		{"POST", "/initialize", "", "initialize"},
		{"POST", "/invoke", "", "invoke body"},
		{"GET", "/pre-stop", "", "pre-stop"},
		{"POST", "/initialize", "/initialize", "initialize"},
		{"POST", "/invoke", "/invoke", "invoke body"},
		{"GET", "/invoke", "", "http GET /invoke"},
		{"GET", "/stocks/2318.HK", "", "http GET /stocks/2318.HK"},
		// The caller of an HTTP trigger chooses the path: the platform's header decides.
		{"POST", "/invoke", "/http-invoke", "http POST /invoke"},
		{"POST", "/initialize", "/http-invoke", "http POST /initialize"},
	} {
		t.Run(test.method+" "+test.path+" as "+test.control, func(t *testing.T) {
			called = ""
			var headers []string
			if test.control != "" {
				headers = []string{"x-fc-control-path", test.control}
			}
			if response := b.send(test.method, test.path, "body", headers...); response.StatusCode != http.StatusOK {
				t.Errorf("status %d", response.StatusCode)
			}
			if called != test.want {
				t.Errorf("called %q, want %q", called, test.want)
			}
		})
	}
}

// A function without a handler refuses what it is not meant for; hooks without one succeed.
func TestMissingHandlers(t *testing.T) {
	b := newBench(Function{})
	for path, want := range map[string]int{"/initialize": 200, "/invoke": 404, "/anything": 404} {
		if got := b.send("POST", path, "").StatusCode; got != want {
			t.Errorf("POST %s = %d, want %d", path, got, want)
		}
	}
	if got := b.send("GET", "/pre-stop", "").StatusCode; got != 200 {
		t.Errorf("GET /pre-stop = %d", got)
	}
}

func TestAFailureIsOneForEveryReadingOfThePlatform(t *testing.T) {
	fail := true
	b := newBench(Function{Invoke: func(context.Context, []byte) ([]byte, error) {
		if fail {
			return nil, errors.New("HBase is away")
		}
		panic("out of range")
	}})
	for _, want := range []string{"HBase is away", "panic: out of range"} {
		response := b.send("POST", "/invoke", "[]", "x-fc-request-id", "1-abc")
		if response.StatusCode != 404 || response.Header.Get("x-fc-status") != "404" {
			t.Errorf("status %d, x-fc-status %q", response.StatusCode, response.Header.Get("x-fc-status"))
		}
		if body := text(t, response); !strings.Contains(body, `"errorMessage":"`+want) {
			t.Errorf("body %s, want %s", body, want)
		}
		if logged := b.logged.String(); !strings.Contains(logged, want) || !strings.Contains(logged, `"requestId":"1-abc"`) {
			t.Errorf("log %s", logged)
		}
		fail = false
	}
	if lines := b.lines.String(); strings.Count(lines, "FC Invoke Start RequestId: 1-abc\n") != 2 ||
		strings.Count(lines, "FC Invoke End RequestId: 1-abc\n") != 2 {
		t.Errorf("lines %q", lines)
	}
}

func TestAPanicOfAnHTTPHandlerEndsItsRequestAlone(t *testing.T) {
	b := newBench(Function{HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("secret inside")
		}
	})})
	response := b.send("GET", "/panic", "")
	if body := text(t, response); response.StatusCode != 500 || strings.Contains(body, "secret inside") {
		t.Errorf("status %d, body %q", response.StatusCode, body)
	}
	if got := b.send("GET", "/fine", "").StatusCode; got != 200 {
		t.Errorf("the next request = %d", got)
	}
}

func TestCredentials(t *testing.T) {
	var got Credentials
	b := newBench(Function{Invoke: func(ctx context.Context, _ []byte) ([]byte, error) {
		got = CredentialsFrom(ctx)
		return nil, errors.New("failed")
	}})
	response := b.send("POST", "/invoke", "", "x-fc-access-key-id", "id", "x-fc-access-key-secret", "key-secret", "x-fc-security-token", "tok-en")
	if want := (Credentials{"id", "key-secret", "tok-en"}); got != want {
		t.Errorf("credentials = %v, want those of the headers", got)
	}
	for _, secret := range []string{"key-secret", "tok-en", "env-secret"} {
		if strings.Contains(b.logged.String()+b.lines.String()+text(t, response), secret) {
			t.Errorf("%s shows in a log or a response", secret)
		}
	}
	b.send("POST", "/invoke", "")
	if want := (Credentials{AccessKeyID: "env-id", AccessKeySecret: "env-secret"}); got != want {
		t.Errorf("credentials = %v, want those of the environment", got)
	}
	if outside := CredentialsFrom(t.Context()); outside != (Credentials{}) {
		t.Errorf("outside of a request: %v", outside)
	}
}

func TestEnvironmentCredentials(t *testing.T) {
	environ := []string{"PATH=/bin", "ALIBABA_CLOUD_ACCESS_KEY_ID=a", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=b=", "ALIBABA_CLOUD_SECURITY_TOKEN=c"}
	if got := EnvironmentCredentials(environ); got != (Credentials{"a", "b=", "c"}) {
		t.Errorf("credentials = %v", got)
	}
}

func TestDeadlineKeepsAMargin(t *testing.T) {
	for _, test := range []struct {
		path    string
		headers []string
		want    time.Duration // 0: none
	}{
		{"/invoke", []string{"x-fc-function-timeout", "60"}, 55 * time.Second},
		{"/invoke", []string{"x-fc-function-timeout", "4"}, 3 * time.Second},
		{"/invoke", nil, 0},
		{"/invoke", []string{"x-fc-function-timeout", "soon"}, 0},
		{"/invoke", []string{"x-fc-function-timeout", "-1"}, 0},
		{"/initialize", []string{"x-fc-function-timeout", "60", "x-fc-initialization-timeout", "30"}, 25 * time.Second},
		{"/initialize", []string{"x-fc-function-timeout", "60"}, 55 * time.Second},
	} {
		t.Run(fmt.Sprint(test.path, test.headers), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var left time.Duration
				look := func(ctx context.Context) error {
					if deadline, ok := ctx.Deadline(); ok {
						left = time.Until(deadline)
					}
					return nil
				}
				b := newBench(Function{Initialize: look, Invoke: func(ctx context.Context, _ []byte) ([]byte, error) { return nil, look(ctx) }})
				b.send("POST", test.path, "", test.headers...)
				if left != test.want {
					t.Errorf("%s left, want %s", left, test.want)
				}
			})
		})
	}
}

// Events in flight are bounded by the memory: of three that fill two thirds of it each, one runs.
func TestEventsInFlightAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most := 0, 0
		b := newBench(Function{Invoke: func(context.Context, []byte) ([]byte, error) {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			time.Sleep(time.Second) // of the bubble: lets the others in, if they may
			mu.Lock()
			running--
			mu.Unlock()
			return nil, nil
		}})
		event := strings.Repeat("x", int(b.eventsInBytes*2/3))
		var sent sync.WaitGroup
		for range 3 {
			sent.Go(func() {
				if response := b.send("POST", "/invoke", event); response.StatusCode != 200 {
					t.Errorf("status %d", response.StatusCode)
				}
			})
		}
		sent.Wait()
		if most != 1 {
			t.Errorf("%d events at once", most)
		}
	})
}

func TestAnEventThatFindsNoRoomInTimeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(Function{Invoke: func(context.Context, []byte) ([]byte, error) {
			time.Sleep(time.Minute)
			return nil, nil
		}})
		event := strings.Repeat("x", int(b.eventsInBytes))
		var first sync.WaitGroup
		first.Go(func() { b.send("POST", "/invoke", event) })
		synctest.Wait()
		response := b.send("POST", "/invoke", event, "x-fc-function-timeout", "10")
		if body := text(t, response); response.StatusCode != 404 || !strings.Contains(body, "wait for memory") {
			t.Errorf("status %d, body %s", response.StatusCode, body)
		}
		first.Wait()
		if got := b.send("POST", "/invoke", event).StatusCode; got != 200 {
			t.Errorf("the room is not given back: status %d", got)
		}
	})
}

func TestEventSizes(t *testing.T) {
	var got int
	b := newBench(Function{Invoke: func(_ context.Context, event []byte) ([]byte, error) { got = len(event); return nil, nil }})
	b.send("POST", "/invoke", "")
	if got != 0 {
		t.Errorf("an empty event has %d bytes", got)
	}
	chunked := httptest.NewRequest("POST", "/invoke", io.NopCloser(strings.NewReader("chunked")))
	chunked.ContentLength = -1
	b.ServeHTTP(httptest.NewRecorder(), chunked)
	if got != 7 {
		t.Errorf("an event of unknown length has %d bytes, want 7", got)
	}
	cut := httptest.NewRequest("POST", "/invoke", strings.NewReader("short"))
	cut.ContentLength = 100
	large := httptest.NewRequest("POST", "/invoke", strings.NewReader("x"))
	large.ContentLength = MaxEventBytes + 1
	for name, r := range map[string]*http.Request{"cut short": cut, "too large": large} {
		got = -1
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		if w.Code != 404 || got != -1 {
			t.Errorf("%s: status %d, the function saw %d bytes", name, w.Code, got)
		}
	}
	if !b.events.TryAcquire(b.eventsInBytes) {
		t.Error("a refused event keeps its room")
	}
}

func TestPreStopWaitsForRunningRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finished, released := false, false
		b := newBench(Function{
			Invoke: func(context.Context, []byte) ([]byte, error) {
				time.Sleep(time.Minute)
				finished = true
				return nil, nil
			},
			PreStop: func(context.Context) error { released = finished; return nil },
		})
		var push sync.WaitGroup
		push.Go(func() { b.send("POST", "/invoke", "[]") })
		synctest.Wait()
		if response := b.send("GET", "/pre-stop", "", "x-fc-function-timeout", "20"); response.StatusCode != 404 || released {
			t.Errorf("a pre-stop that runs out of time: status %d, released %v", response.StatusCode, released)
		}
		if response := b.send("GET", "/pre-stop", "", "x-fc-function-timeout", "90"); response.StatusCode != 200 || !released {
			t.Errorf("status %d, released after the push: %v", response.StatusCode, released)
		}
		push.Wait()
	})
}

func TestTheFirstRequestIsColdAndTheAttemptIsCounted(t *testing.T) {
	type seen struct {
		cold    bool
		attempt int
	}
	var got seen
	note := func(ctx context.Context) { got = seen{ColdStart(ctx), Attempt(ctx)} }
	b := newBench(Function{
		Initialize: func(ctx context.Context) error { note(ctx); return nil },
		Invoke:     func(ctx context.Context, _ []byte) ([]byte, error) { note(ctx); return nil, nil },
		HTTP:       http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { note(r.Context()) }),
	})
	for _, test := range []struct {
		path, retries string
		want          seen
	}{
		{"/initialize", "", seen{false, 0}},
		{"/invoke", "0", seen{true, 1}},
		{"/invoke", "175", seen{false, 176}},
		{"/invoke", "-1", seen{false, 0}},
		{"/stocks/2318.HK", "many", seen{false, 0}},
	} {
		b.send("POST", test.path, "[]", "x-fc-retry-count", test.retries)
		if got != test.want {
			t.Errorf("%s after %q retries: %+v, want %+v", test.path, test.retries, got, test.want)
		}
	}
	if got = (seen{ColdStart(t.Context()), Attempt(t.Context())}); got != (seen{}) {
		t.Errorf("outside of a request: %+v", got)
	}
}

func TestAnHTTPRequestLogsOneLine(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /rows/{rowKey}", func(w http.ResponseWriter, r *http.Request) {
		SetItems(r.Context(), 3)
		_, _ = io.WriteString(w, "four")
	})
	mux.HandleFunc("POST /panic", func(http.ResponseWriter, *http.Request) { panic("boom") })
	mux.HandleFunc("POST /silent", func(http.ResponseWriter, *http.Request) {})
	b := newBench(Function{HTTP: mux})
	for i, test := range []struct {
		method, path, body string
		want               map[string]any
	}{
		{"GET", "/rows/secret", "", map[string]any{"path": "/rows/{rowKey}", "status": 200.0, "items": 3.0, "responseBytes": 4.0, "coldStart": true}},
		{"POST", "/panic", "12", map[string]any{"path": "/panic", "status": 500.0, "level": "ERROR", "requestBytes": 2.0}},
		{"POST", "/silent", "", map[string]any{"path": "/silent", "status": 200.0, "responseBytes": 0.0, "items": nil, "requestBytes": nil}},
		{"BREW", "/nowhere", "", map[string]any{"path": "", "status": 404.0, "level": "INFO", "method": "BREW", "coldStart": false}},
	} {
		b.send(test.method, test.path, test.body, "x-fc-request-id", fmt.Sprint("r-", i))
		line := lastLine(t, b, "request")
		if _, timed := line["durationMs"].(float64); !timed || line["requestId"] != fmt.Sprint("r-", i) {
			t.Errorf("%s %s: the line is %v", test.method, test.path, line)
		}
		for member, want := range test.want {
			if line[member] != want {
				t.Errorf("%s %s: %s is %v, want %v", test.method, test.path, member, line[member], want)
			}
		}
	}
	SetItems(t.Context(), 1) // outside of a request
}

// lastLine is the last of what was logged under a message.
func lastLine(t *testing.T, b *bench, msg string) (last map[string]any) {
	t.Helper()
	for text := range strings.Lines(b.logged.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if line["msg"] == msg {
			last = line
		}
	}
	return last
}

// The README's table has every member that a request may log, and no other.
func TestTheReadmeHasEveryFieldOfARequest(t *testing.T) {
	b := newBench(Function{HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { SetItems(r.Context(), 1) })})
	b.logger = NewLogger(&b.logged, slog.LevelInfo, Instance{Function: "f", Version: "v", ID: "i"})
	b.send("POST", "/updates", "{}", "x-fc-request-id", "r-1")
	logged := slices.Sorted(maps.Keys(lastLine(t, b, "request")))
	if want := testkit.LineFields(t, "../../README.md", "request"); !slices.Equal(logged, want) {
		t.Errorf("a request logs\n%q, the README has\n%q", logged, want)
	}
}
