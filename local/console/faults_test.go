package console_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"feedstream/local/console"
	"feedstream/local/console/live"
	"feedstream/local/services/fault"
)

// rules stand for those of a stack: "bad" is none.
type rules struct{ set []fault.Injected }

func (r *rules) SetFaults(seed uint64, texts ...string) ([]fault.Injected, error) {
	before := r.set
	r.set = nil
	for _, text := range texts {
		if text == "bad" {
			return nil, errors.New(`nothing is called "bad"`)
		}
		r.set = append(r.set, fault.Injected{Rule: fault.Rule{Call: text}, Times: int(seed)})
	}
	return before, nil
}

func (r *rules) Faults() []fault.Injected { return r.set }

func TestFaults(t *testing.T) {
	server := httptest.NewServer(start(t, live.Status{}))
	defer server.Close()
	client := console.Client{Console: server.URL}
	listed := func(want string, answer []console.Fault, err error) {
		t.Helper()
		var names []string
		for _, f := range answer {
			names = append(names, f.Rule)
		}
		if err != nil || strings.Join(names, " ") != want {
			t.Errorf("listed %+v, %v, want %s", answer, err, want)
		}
	}
	ctx := t.Context()
	answer, err := client.Faults(ctx)
	listed("", answer, err)
	answer, err = client.SetFaults(ctx, 7, "a.b", "c.d")
	listed("a.b c.d", answer, err)
	if answer, err = client.Faults(ctx); len(answer) != 2 || answer[0].Injected != 7 {
		t.Errorf("listed %+v, %v", answer, err)
	}
	if _, err := client.SetFaults(ctx, 7, "bad"); err == nil || !strings.Contains(err.Error(), `nothing is called "bad"`) {
		t.Errorf("a rule that is wrong: %v", err)
	}
	_, _ = client.SetFaults(ctx, 7, "e.f")
	answer, err = client.ClearFaults(ctx)
	listed("e.f", answer, err)
	answer, err = client.Faults(ctx)
	listed("", answer, err)
}

// Only this machine sets faults, and no page that a foreign name leads here.
func TestFaultsAreLoopbackOnly(t *testing.T) {
	handler := start(t, live.Status{})
	for _, test := range []struct {
		method, host, from string
		want               int
	}{
		{http.MethodGet, "127.0.0.1:8080", "127.0.0.1:1", http.StatusOK},
		{http.MethodDelete, "localhost:8080", "[::1]:1", http.StatusOK},
		{http.MethodGet, "evil.example:8080", "127.0.0.1:1", http.StatusMisdirectedRequest},
		{http.MethodDelete, "127.0.0.1:8080", "10.0.0.1:1", http.StatusUnauthorized},
		{http.MethodPost, "127.0.0.1:8080", "127.0.0.1:1", http.StatusMethodNotAllowed},
	} {
		r := httptest.NewRequest(test.method, "/api/faults", nil)
		r.Host, r.RemoteAddr = test.host, test.from
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != test.want {
			t.Errorf("%s for %s from %s answers %d, want %d", test.method, test.host, test.from, w.Code, test.want)
		}
	}
}
