// Package telemetrytest has a collector for tests, which takes traces and metrics by OTLP over HTTP.
package telemetrytest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	metricservice "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	traceservice "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector keeps what is sent to it.
type Collector struct {
	URL string // for OTEL_EXPORTER_OTLP_ENDPOINT

	server  *httptest.Server
	mu      sync.Mutex
	posts   int
	traces  []*traces.ResourceSpans
	metrics []*metrics.ResourceMetrics
}

// Start returns a collector that listens until the test ends. It sets OTEL_EXPORTER_OTLP_ENDPOINT.
func Start(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	c.server = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.server.Close)
	c.URL = c.server.URL
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	return c
}

func (c *Collector) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.posts++
	switch r.URL.Path {
	case "/v1/traces":
		var request traceservice.ExportTraceServiceRequest
		err = proto.Unmarshal(body, &request)
		c.traces = append(c.traces, request.GetResourceSpans()...)
	case "/v1/metrics":
		var request metricservice.ExportMetricsServiceRequest
		err = proto.Unmarshal(body, &request)
		c.metrics = append(c.metrics, request.GetResourceMetrics()...)
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// Disconnect closes all connections to it, as happens to those of a frozen instance.
func (c *Collector) Disconnect() { c.server.CloseClientConnections() }

// Posts is how many requests came.
func (c *Collector) Posts() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.posts
}

// Spans are those that came, in the order in which they ended.
func (c *Collector) Spans() (found []*traces.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range c.traces {
		for _, scope := range resource.GetScopeSpans() {
			found = append(found, scope.GetSpans()...)
		}
	}
	return found
}

// Metrics are those that came, in that order.
func (c *Collector) Metrics() (found []*metrics.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range c.metrics {
		for _, scope := range resource.GetScopeMetrics() {
			found = append(found, scope.GetMetrics()...)
		}
	}
	return found
}

// Resources are the attributes of whoever sent the spans, by name.
func (c *Collector) Resources() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := map[string]string{}
	for _, resource := range c.traces {
		for _, a := range resource.GetResource().GetAttributes() {
			found[a.GetKey()] = a.GetValue().GetStringValue()
		}
	}
	return found
}
