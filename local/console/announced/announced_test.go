package announced

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"feedstream/local/platform/manifest"
	"feedstream/local/target"
)

// However often the reference is asked for, its connection is the same one.
func TestConnectionsAreKept(t *testing.T) {
	var asked, connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("<Error><Code>NoSuchKey</Code></Error>"))
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	from, err := target.Parse(map[string]string{
		"OSS_ENDPOINT": server.URL, "OSS_REGION": "local", target.KeyIDVariable: "id", target.SecretVariable: "secret",
	}, target.Names{Bucket: "feed", Prefix: "stock/"})
	if err != nil {
		t.Fatal(err)
	}
	followed := New(&from, &manifest.Manifest{}, "enrich")
	for range 5 {
		followed.Refresh()
	}
	if asked.Load() < 5 || connections.Load() != 1 {
		t.Errorf("%d requests by %d connections, want at least 5 by 1", asked.Load(), connections.Load())
	}
}
