package live

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// ServeEvents sends the newest sample at once and then each new one, as server-sent events, until the reader goes.
func (r *Ring) ServeEvents(w http.ResponseWriter, request *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	for {
		s, next, ok := r.Last()
		if ok {
			body, err := json.Marshal(&s)
			if err != nil {
				return // its numbers are finite: unreachable
			}
			if _, err := fmt.Fprintf(w, "data: %s\n\n", body); err != nil {
				return
			}
			if out.Flush() != nil {
				return
			}
		}
		select {
		case <-next:
		case <-request.Context().Done():
			return
		}
	}
}

// columns are the series that plots show, each as long as at.
type columns struct {
	At               []int64    `json:"at"`
	PublishedRate    []float64  `json:"publishedRate"`
	EnrichedRate     []float64  `json:"enrichedRate"`
	UnmatchedRate    []float64  `json:"unmatchedRate"`
	QuarantinedRate  []float64  `json:"quarantinedRate"`
	DeadLetteredRate []float64  `json:"deadLetteredRate"`
	InvocationRate   []float64  `json:"invocationRate"`
	ErrorRate        []float64  `json:"errorRate"`
	Instances        []int      `json:"instances"`
	P50              []*float64 `json:"p50"`
	P99              []*float64 `json:"p99"`
	FunctionsCPU     []float64  `json:"functionsCPU"`
	StackCPU         []float64  `json:"stackCPU"`
	Lags             [][]int64  `json:"lags"` // by sample, then by partition
}

// ServeHistory answers with the last 15 minutes, by column, as JSON.
func (r *Ring) ServeHistory(w http.ResponseWriter, _ *http.Request) {
	c := columns{At: []int64{}}
	for _, s := range r.History() {
		c.add(&s)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(&c) // the reader has gone: there is nobody to tell
}

func (c *columns) add(s *Sample) {
	c.At = append(c.At, s.At)
	c.PublishedRate = append(c.PublishedRate, s.PublishedRate)
	c.EnrichedRate = append(c.EnrichedRate, s.EnrichedRate)
	c.UnmatchedRate = append(c.UnmatchedRate, s.UnmatchedRate)
	c.QuarantinedRate = append(c.QuarantinedRate, s.QuarantinedRate)
	c.DeadLetteredRate = append(c.DeadLetteredRate, s.DeadLetteredRate)
	c.InvocationRate = append(c.InvocationRate, s.InvocationRate)
	c.ErrorRate = append(c.ErrorRate, s.ErrorRate)
	c.Instances = append(c.Instances, s.Instances)
	c.P50, c.P99 = append(c.P50, s.P50), append(c.P99, s.P99)
	c.FunctionsCPU = append(c.FunctionsCPU, s.FunctionsCPU)
	c.StackCPU = append(c.StackCPU, s.StackCPU)
	c.Lags = append(c.Lags, s.Lags)
}
