// Package console serves the local stack's page and its status as JSON.
package console

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"

	"feedstream/local/hostcheck"
	"feedstream/local/target"
)

// Status is what GET /api/status answers.
type Status struct {
	Ready     bool       `json:"ready"`
	Functions []Function `json:"functions"`
	Verdicts  Verdicts   `json:"verdicts"`
	// Lag is the sum over the input topic's partitions of high watermark - committed offset.
	Lag       int64     `json:"lag"`
	Reference Reference `json:"reference"`
	// Failing are the pushes that have failed and have no verdict yet, the oldest first.
	Failing []target.Failing `json:"failing,omitempty"`
}

// Function is the state of one function's instances.
type Function struct {
	Name        string `json:"name"`
	Instances   int    `json:"instances"`
	Invocations int64  `json:"invocations"`
	Errors      int64  `json:"errors"`
}

// Verdicts counts distinct input offsets since the data directory began.
type Verdicts struct {
	Enriched     int64 `json:"enriched"`
	Unmatched    int64 `json:"unmatched"`
	Quarantined  int64 `json:"quarantined"`
	DeadLettered int64 `json:"deadLettered"`
}

// Reference is the snapshot last announced. Its version is empty before the first announcement.
type Reference struct {
	Version    string  `json:"version"`
	Revision   int64   `json:"revision"`
	AgeSeconds float64 `json:"ageSeconds"`
	Entries    int     `json:"entries"`
}

//go:embed page.html
var page string

var pageTemplate = template.Must(template.New("page").Parse(page))

// Handler serves GET / and GET /api/status, and /api/faults for a Client. status is called for each request and
// must be cheap. Requests with a foreign Host header are refused.
func Handler(status func() Status, f faults) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/faults", faultsHandler(f))
	mux.HandleFunc("GET /api/status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(status()) // the reader has gone: there is nobody to tell
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'")
		_ = pageTemplate.Execute(w, status())
	})
	return hostcheck.Handler(mux)
}
