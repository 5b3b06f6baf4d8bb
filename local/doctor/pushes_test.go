package doctor

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"feedstream/local/target"
)

func TestPushes(t *testing.T) {
	answer := `{}`
	console := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }))
	defer console.Close()
	stack := &target.Target{Console: console.URL}
	if got := Pushes(t.Context(), stack); len(got) != 1 || !got[0].OK {
		t.Errorf("of a stack at rest: %+v", got)
	}
	answer = `{"failing":[{"topic":"in","partition":1,"offset":5,"records":2,"attempts":3,"error":"too large"}]}`
	got := Pushes(t.Context(), stack)
	if len(got) != 1 || got[0].OK || !strings.Contains(got[0].Detail, "in/1/5 has failed 3 times") || got[0].Remedy == "" {
		t.Errorf("of a failing push: %+v", got)
	}
	console.Close()
	if got := Pushes(t.Context(), stack); len(got) != 1 || got[0].OK {
		t.Errorf("of a stack that does not answer: %+v", got)
	}
	if got := Pushes(t.Context(), &target.Target{}); got != nil {
		t.Errorf("of no stack: %+v", got)
	}
}
