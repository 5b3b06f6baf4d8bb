package problem

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHandler(t *testing.T) {
	explain := func(error) *Problem {
		return &Problem{Status: 503, Title: "The store does not answer", Detail: "It may later.", Remedy: "Ask again."}
	}
	for _, test := range []struct {
		name   string
		err    error
		status int
		body   string
		retry  string
		logged bool
	}{
		{"none", nil, 200, "", "", false},
		{"a problem", &Problem{Status: 400, Title: "Bad", Detail: "limit=0", Extensions: map[string]any{"results": []int{1}}}, 400,
			`{"detail":"limit=0","results":[1],"status":400,"title":"Bad"}` + "\n", "", false},
		{"an error", errors.New("dial hbase-1.internal"), 503,
			`{"detail":"It may later.","remedy":"Ask again.","status":503,"title":"The store does not answer"}` + "\n", "1", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log strings.Builder
			serve := func(http.ResponseWriter, *http.Request) error { return test.err }
			w := httptest.NewRecorder()
			Handler(slog.New(slog.NewTextHandler(&log, nil)), explain, serve)(w, httptest.NewRequest("GET", "/rows/a", nil))
			if diff := cmp.Diff(test.body, w.Body.String()); diff != "" || w.Code != test.status {
				t.Errorf("status %d: %s", w.Code, diff)
			}
			if test.err != nil && w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("content type = %q", w.Header().Get("Content-Type"))
			}
			if got := w.Header().Get("Retry-After"); got != test.retry {
				t.Errorf("Retry-After = %q, want %q", got, test.retry)
			}
			if strings.Contains(log.String(), "hbase-1.internal") != test.logged {
				t.Errorf("log = %q", log.String())
			}
		})
	}
}
