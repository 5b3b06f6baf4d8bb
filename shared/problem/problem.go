// Package problem is how the HTTP functions answer when something is wrong: problem details for HTTP
// APIs, RFC 9457, with what mends it. Each function has one table from its errors to problems.
package problem

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
)

// Problem is an answer to a request that could not be served. It is an error, so that a handler may
// return it where it notices what is wrong.
type Problem struct {
	Status     int
	Title      string // the kind of problem, the same for each of its kind
	Detail     string // this one
	Remedy     string // what mends it, where something does: the extension member "remedy"
	Extensions map[string]any
}

// Error returns title and detail.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// MarshalJSON writes the members of RFC 9457 and the extensions beside them.
func (p *Problem) MarshalJSON() ([]byte, error) {
	members := map[string]any{"status": p.Status, "title": p.Title, "detail": p.Detail}
	if p.Remedy != "" {
		members["remedy"] = p.Remedy
	}
	maps.Copy(members, p.Extensions)
	return json.Marshal(members)
}

// Handler turns what serve returns into an answer: a *Problem is written as it is, any other error as
// what explain makes of it. The caller learns what explain says; the error itself goes to the log.
func Handler(logger *slog.Logger, explain func(error) *Problem,
	serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := serve(w, r)
		if err == nil {
			return
		}
		p, known := err.(*Problem)
		if !known {
			p = explain(err)
			logger.ErrorContext(r.Context(), "request failed",
				"method", r.Method, "path", r.URL.Path, "status", p.Status, "error", err)
		}
		if p.Status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		WriteJSON(w, p.Status, "application/problem+json", p)
	}
}

// WriteJSON answers with a body that can be encoded.
func WriteJSON(w http.ResponseWriter, status int, contentType string, body any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller has gone: there is nobody to tell
}
