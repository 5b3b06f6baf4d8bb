// Package page renders the console: its layout, one template a page, and the files that pages load.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
)

// Page is one of the console's.
type Page struct {
	Path  string
	Title string
	name  string // of its template
}

// Pages are all in the order of the navigation. The template of a page is templates/<name>.html: it defines "content",
// and fragments of it under names of their own.
var Pages = []Page{
	{"/", "Overview", "overview"},
	{"/invocations", "Invocations", "invocations"},
	{"/record", "Record", "record"},
	{"/table", "Table", "table"},
	{"/aside", "Quarantine", "aside"},
	{"/reference", "Reference", "reference"},
	{"/platform", "Platform", "platform"},
	{"/try", "Try it", "try"},
}

//go:embed templates assets/*.css assets/*.js assets/*.svg assets/htmx/htmx.min.js assets/uplot/uPlot.iife.min.js assets/uplot/uPlot.min.css
var files embed.FS

var parsed = parse()

func parse() map[string]*template.Template {
	layout := template.Must(template.New("layout").Funcs(functions).ParseFS(files, "templates/layout.html", "templates/parts.html"))
	all := map[string]*template.Template{}
	for _, p := range Pages {
		all[p.name] = template.Must(template.Must(layout.Clone()).ParseFS(files, "templates/"+p.name+".html"))
	}
	return all
}

// view is what the layout gets.
type view struct {
	Page  Page
	Pages []Page
	Data  any
}

// Write answers with the page at a path, which is one of Pages.
func Write(w http.ResponseWriter, path string, data any) {
	for _, p := range Pages {
		if p.Path == path {
			write(w, p, "layout.html", view{Page: p, Pages: Pages, Data: data})
			return
		}
	}
	http.Error(w, "there is no page "+path, http.StatusNotFound)
}

// Fragment answers with a part of the page at a path: a template that its file defines.
func Fragment(w http.ResponseWriter, path, name string, data any) {
	for _, p := range Pages {
		if p.Path == path {
			write(w, p, name, data)
		}
	}
}

func write(w http.ResponseWriter, p Page, name string, data any) {
	var out bytes.Buffer // a template that fails half-way leaves no half page
	if err := parsed[p.name].ExecuteTemplate(&out, name, data); err != nil {
		http.Error(w, fmt.Sprintf("show %s: %v", p.Title, err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(out.Bytes()) // the reader has gone: there is nobody to tell
}

// Assets serves the files that pages load, below /assets/.
func Assets() http.Handler {
	below, err := fs.Sub(files, "assets")
	if err != nil {
		panic(err) // the folder is embedded
	}
	served := http.StripPrefix("/assets/", http.FileServerFS(below))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", etag)
		served.ServeHTTP(w, r)
	})
}
