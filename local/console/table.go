package console

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"feedstream/local/console/page"
	"feedstream/local/invoke"
	"feedstream/shared/feed"
)

const tablePath = "/table"

// rows are what feed-query answers.
type rows struct {
	Items   []feed.Record
	Next    string // cursor of the next page, empty on the last
	Skipped int
}

// table asks feed-query, as the verb query does.
func (c *Console) table(mux *http.ServeMux) {
	mux.HandleFunc("GET "+tablePath, func(w http.ResponseWriter, r *http.Request) { page.Write(w, tablePath, c.chosenRows(r)) })
	mux.HandleFunc("GET /table/rows", func(w http.ResponseWriter, r *http.Request) {
		page.Fragment(w, tablePath, "rows", c.chosenRows(r))
	})
	mux.HandleFunc("GET /table.csv", c.download)
}

type tableView struct {
	Code, Cursor, Sort string
	Limit              int
	Rows               rows
	outcome
}

const rowsOfPage = 20

func (c *Console) chosenRows(r *http.Request) tableView {
	v := tableView{Code: strings.TrimSpace(r.FormValue("code")), Cursor: r.FormValue("cursor"), Sort: r.FormValue("sort"), Limit: rowsOfPage}
	if n, err := strconv.Atoi(r.FormValue("limit")); err == nil {
		v.Limit = n
	}
	if v.Code == "" {
		return v
	}
	var err error
	if v.Rows, err = c.query(r, v.Code, v.Limit, v.Cursor); err != nil {
		v.Error, v.Remedy = inShort(err), "a stock code is such as 2318.HK; the page Invocations has the log of feed-query"
	}
	if by := orders[v.Sort]; by != nil {
		slices.SortStableFunc(v.Rows.Items, by)
	}
	return v
}

// orders sort the rows of a page; without one they are in feed-query's order, the newest first.
var orders = map[string]func(a, b feed.Record) int{
	"sender": func(a, b feed.Record) int { return strings.Compare(a.Sender, b.Sender) },
	"oldest": func(a, b feed.Record) int { return int(a.Time - b.Time) },
	"name":   func(a, b feed.Record) int { return strings.Compare(a.StockName, b.StockName) },
}

func (c *Console) query(r *http.Request, code string, limit int, cursor string) (out rows, err error) {
	body, err := invoke.Of(&c.cfg.Endpoints).Get(r.Context(), c.cfg.Target.Names.Query, invoke.ByCode(code, limit, cursor))
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(body, &out); err != nil {
		return out, fmt.Errorf("read the answer of %s: %w", c.cfg.Target.Names.Query, err)
	}
	return out, nil
}

// download answers with all rows of a stock code as CSV, whose texts no spreadsheet takes for formulas. An error after
// the first rows breaks the answer off.
func (c *Console) download(w http.ResponseWriter, r *http.Request) {
	const most = 1000
	code, cursor := r.FormValue("code"), ""
	out := csv.NewWriter(w)
	for first := true; first || cursor != ""; first = false {
		part, err := c.query(r, code, most, cursor)
		if err != nil && first {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler) // the browser must see that the file is cut short
		}
		if first {
			w.Header().Set("Content-Type", "text/csv; charset=utf-8")
			w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", code+".csv"))
			_ = out.Write([]string{"row key", "sender", "stock code", "stock name", "last price", "time", "matched", "reference version", "origin"})
		}
		for i := range part.Items {
			_ = out.Write(cells(&part.Items[i])) // the reader has gone: there is nobody to tell
		}
		out.Flush()
		cursor = part.Next
	}
}

func cells(r *feed.Record) []string {
	price := ""
	if r.LastPrice != nil {
		price = r.LastPrice.String()
	}
	return []string{
		plain(r.RowKey()), plain(r.Sender), plain(r.StockCode), plain(r.StockName), price, feed.FormatTime(r.Time),
		strconv.FormatBool(r.Matched), plain(r.ReferenceVersion), plain(r.Origin.String()),
	}
}

// plain is a text as a spreadsheet shows it: one that would be computed gets the apostrophe by which they tell a text.
// Prices are numbers, a negative one too, and stay so.
func plain(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
