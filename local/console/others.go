package console

import (
	"net/http"

	"feedstream/local/console/page"
)

func (c *Console) others(mux *http.ServeMux) {
	for _, p := range page.Pages[1:] {
		mux.HandleFunc("GET "+p.Path, func(w http.ResponseWriter, _ *http.Request) { page.Write(w, p.Path, nil) })
	}
}
