package console_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"feedstream/local/console"
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
