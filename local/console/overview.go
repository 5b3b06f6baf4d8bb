package console

import (
	"net/http"

	"feedstream/local/console/page"
)

// overview shows the newest sample; the script goes on from there.
func (c *Console) overview(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		sample, _, _ := c.ring.Last()
		page.Write(w, "/", sample)
	})
	mux.HandleFunc("GET /live", c.ring.ServeEvents)
	mux.HandleFunc("GET /live/history", c.ring.ServeHistory)
}
