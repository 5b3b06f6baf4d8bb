package telemetry

import (
	"net/http"
	"time"
)

// idleTime is how long a connection to the collector may rest and still be used: what lies between may
// have forgotten it while the instance was frozen, and says nothing of it.
const idleTime = 15 * time.Second

// newClient returns what sends to the collector.
func newClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.IdleConnTimeout = idleTime // by the wall clock: freezing does not stop it
	return &http.Client{Transport: repeating{transport}}
}

// repeating has a request sent again, at once, when the connection it went out on was dead: a collector
// that counts a push twice is better than one that is left alone for half a minute.
type repeating struct{ transport http.RoundTripper }

func (r repeating) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header["Idempotency-Key"] = nil // net/http takes the request for one that may be repeated, and sends no such header
	return r.transport.RoundTrip(request)
}
