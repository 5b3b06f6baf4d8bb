package console

import (
	"errors"
	"net/http"
	"strings"

	"feedstream/local/console/page"
)

// outcome is what a page is told of an action.
type outcome struct {
	Text, Error, Remedy string
	Lines               []string
}

// failed is the outcome of an action that an error ended, and what to do about it.
func failed(err error, remedy string) outcome { return outcome{Error: err.Error(), Remedy: remedy} }

// mostForm bounds the body of an action.
const mostForm = 1 << 20

// changed is the event by which a page loads its lists again.
const changed = "changed"

// action serves a form that changes something: it answers with the outcome, and has the page at that path load its
// lists again.
func action(mux *http.ServeMux, route, path string, do func(r *http.Request) outcome) {
	mux.HandleFunc("POST "+route, func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, mostForm)
		var out outcome
		if err := r.ParseForm(); err != nil {
			out = failed(err, "send less than 1 MB")
		} else {
			out = do(r)
		}
		w.Header().Set("HX-Trigger", changed)
		page.Fragment(w, path, "outcome", out)
	})
}

// lines are those of a field that hold something.
func lines(text string) (all []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// inShort is an error as a page shows it: its joined parts in one line.
func inShort(err error) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(errors.Join(err).Error(), "\n", "; ")
}
