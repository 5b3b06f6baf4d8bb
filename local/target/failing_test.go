package target

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestFailing(t *testing.T) {
	answer, code := "", 200
	console := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/status" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte(answer))
	}))
	defer console.Close()
	stack := Target{Console: console.URL}

	answer = `{"lag":4,"failing":[{"topic":"in","partition":3,"offset":9,"records":4,"attempts":7,"since":"2026-11-24T12:00:00Z","error":"no"}]}`
	got, err := stack.Failing(t.Context())
	if err != nil || len(got) != 1 ||
		got[0].String() != "the push of 4 records from in/3/9 has failed 7 times since 2026-11-24T12:00:00Z: no" {
		t.Errorf("failing = %v, %v", got, err)
	}
	answer = `{"lag":0}`
	if got, err := stack.Failing(t.Context()); err != nil || got != nil {
		t.Errorf("of a stack at rest: %v, %v", got, err)
	}
	code = 503
	if _, err := stack.Failing(t.Context()); err == nil || !strings.Contains(err.Error(), console.URL) {
		t.Errorf("error = %v", err)
	}
	if got, err := (&Target{}).Failing(t.Context()); err != nil || got != nil {
		t.Errorf("of no stack: %v, %v", got, err)
	}
}
