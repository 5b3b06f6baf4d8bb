package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"feedstream/local/console/page"
	"feedstream/local/trace"
	"feedstream/shared/feed"
)

const recordPath = "/record"

// record follows one record, as the verb trace does.
func (c *Console) record(mux *http.ServeMux) {
	mux.HandleFunc("GET "+recordPath, func(w http.ResponseWriter, r *http.Request) { page.Write(w, recordPath, c.wayOf(r)) })
	mux.HandleFunc("GET /record/way", func(w http.ResponseWriter, r *http.Request) {
		page.Fragment(w, recordPath, "way", c.wayOf(r))
	})
}

type wayView struct {
	At, Row, Code string // what was asked for
	Way           *trace.Way
	Live          bool // it is asked for again until there is a verdict
	outcome
}

func (c *Console) wayOf(r *http.Request) wayView {
	v := wayView{At: strings.TrimSpace(r.FormValue("at")), Row: strings.TrimSpace(r.FormValue("row")), Code: strings.TrimSpace(r.FormValue("code"))}
	if v.At == "" && v.Row == "" && v.Code == "" {
		return v
	}
	way, err := c.find(r.Context(), v, r)
	if err != nil {
		v.Error, v.Remedy = inShort(err), "give topic/partition/offset such as feed-updates/0/12, a row key such as 192.168.2.17|2318.HK, or a stock code"
		return v
	}
	v.Way = way
	v.Live = way.Verdict == trace.Waiting && way.Input != nil
	return v
}

func (c *Console) find(ctx context.Context, v wayView, r *http.Request) (*trace.Way, error) {
	var origin feed.Origin
	var err error
	if v.At != "" {
		if origin, err = c.origin(v.At); err != nil {
			return nil, err
		}
	}
	found, err := trace.Of(c.cfg.Target)
	if err != nil {
		return nil, err
	}
	switch {
	case v.At != "":
		return found.Find(ctx, origin)
	case v.Row != "":
		return found.FindRow(ctx, v.Row)
	}
	newest, err := c.query(r, v.Code, 1, "")
	if err != nil {
		return nil, err
	}
	if len(newest.Items) == 0 {
		return nil, fmt.Errorf("the table has no row of %s", v.Code)
	}
	return found.FindRow(ctx, newest.Items[0].RowKey())
}

// origin reads topic/partition/offset, or partition:offset of the input topic.
func (c *Console) origin(at string) (feed.Origin, error) {
	text := at
	if partition, offset, ok := strings.Cut(at, ":"); ok && !strings.Contains(at, "/") {
		text = c.cfg.Target.Names.Topics.Input + "/" + partition + "/" + offset
	}
	origin, err := feed.ParseOrigin(text)
	if err != nil {
		return origin, errors.Join(fmt.Errorf("%q is no place in a topic", at), err)
	}
	return origin, nil
}
