package invoke

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Calls to several stacks at once go each to its own, with its own key. The race detector holds that they share
// nothing they change.
func TestStacksAreCalledSideBySide(t *testing.T) {
	var calls sync.WaitGroup
	for stack := range 3 {
		id := fmt.Sprintf("key-%d", stack)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if signed := r.Header.Get("Authorization"); !strings.HasPrefix(signed, "FC "+id+":") {
				http.Error(w, "signed by "+signed, http.StatusForbidden)
				return
			}
			fmt.Fprint(w, id+" "+r.URL.Path)
		}))
		t.Cleanup(server.Close)
		client := Client{API: server.URL, KeyID: id, Secret: "secret"}
		for range 5 {
			calls.Go(func() {
				answer, err := client.Function("feed-refresh", []byte("{}"))
				want := id + " /2016-08-15/services/feedstream/functions/feed-refresh/invocations"
				if err != nil || string(answer) != want {
					t.Errorf("%q, %v; want %q", answer, err, want)
				}
			})
		}
	}
	calls.Wait()
}
