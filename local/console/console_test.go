package console_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"feedstream/local/console"
	"feedstream/local/target"
)

func TestHandler(t *testing.T) {
	status := func() console.Status {
		return console.Status{
			Ready:     true,
			Functions: []console.Function{{Name: "feed-<enrich>", Instances: 2, Invocations: 7, Errors: 1}},
			Verdicts:  console.Verdicts{Enriched: 41, Unmatched: 3, Quarantined: 2, DeadLettered: 1},
			Lag:       5,
			Reference: console.Reference{Version: "20261123T021500Z-3f2a91c4", Revision: 9, AgeSeconds: 1.5, Entries: 30},
		}
	}
	server := httptest.NewServer(console.Handler(status, nil))
	defer server.Close()
	for _, test := range []struct {
		path   string
		status int
		want   string
	}{
		{"/api/status", 200, `{"ready":true,"functions":[{"name":"feed-\u003cenrich\u003e","instances":2,"invocations":7,"errors":1}],` +
			`"verdicts":{"enriched":41,"unmatched":3,"quarantined":2,"deadLettered":1},"lag":5,` +
			`"reference":{"version":"20261123T021500Z-3f2a91c4","revision":9,"ageSeconds":1.5,"entries":30}}`},
		{"/", 200, `<td class="n" id="enriched">41`},
		{"/", 200, `feed-&lt;enrich&gt;`},
		{"/elsewhere", 404, "not found"},
	} {
		response, err := http.Get(server.URL + test.path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != test.status || !strings.Contains(string(body), test.want) {
			t.Errorf("GET %s = %d %s, want %d with %s", test.path, response.StatusCode, body, test.status, test.want)
		}
	}
}

// Pushes that keep failing stand in the status and on the page.
func TestFailingPushesAreTold(t *testing.T) {
	status := console.Status{Failing: []target.Failing{{
		Topic: "in", Partition: 3, Offset: 9, Records: 4, Attempts: 7, Since: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), Error: "<no>",
	}}}
	handler := console.Handler(func() console.Status { return status }, nil)
	for path, want := range map[string]string{
		"/api/status": `"failing":[{"topic":"in","partition":3,"offset":9,"records":4,"attempts":7,"since":"2026-11-24T12:00:00Z","error":"\u003cno\u003e"}]`,
		"/":           `<li>the push of 4 records from in/3/9 has failed 7 times since 2026-11-24T12:00:00Z: &lt;no&gt;`,
	} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://localhost"+path, http.NoBody))
		if !strings.Contains(answer.Body.String(), want) {
			t.Errorf("GET %s = %s, want it with %s", path, answer.Body, want)
		}
	}
}
