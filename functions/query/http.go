package main

import (
	"context"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"feedstream/shared/fc"
	"feedstream/shared/feed"
	"feedstream/shared/problem"
	"feedstream/shared/reference"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// snapshots knows the reference now announced.
type snapshots interface {
	Current(ctx context.Context) (reference.View, error)
}

// API is the HTTP side of feed-query.
type API struct {
	Finder    *Finder
	Snapshots snapshots
	Logger    *slog.Logger
}

// Handler serves
//
//	GET /stocks/{code}?from=&to=&limit=&cursor=   {"items":[…],"next":"…"}
//	GET /rows/{rowKey}                            one row, or 404
//	GET /reference                                the snapshot now announced
//
// Rows have the members of the output record; with Accept: text/csv they are RFC 4180 with a header
// line. "skipped" beside the items, in CSV the header Feedstream-Skipped, counts rows of the page that are
// no record's: another writer left them incomplete. Errors are application/problem+json (RFC 9457).
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, serve := range map[string]func(http.ResponseWriter, *http.Request) error{
		"/stocks/{code}": a.stocks, "/rows/{rowKey}": a.row, "/reference": a.reference,
	} {
		mux.HandleFunc("GET "+path, a.handle(serve))
		mux.HandleFunc(path, a.handle(refuseMethod)) // the mux's own 405 loses to the pattern "/" below
	}
	mux.HandleFunc("/", a.handle(func(_ http.ResponseWriter, r *http.Request) error {
		return &problem.Problem{Status: http.StatusNotFound, Title: http.StatusText(http.StatusNotFound),
			Detail: fmt.Sprintf("%.20s %.200s is not known here", r.Method, r.URL.Path),
			Remedy: "Use GET /stocks/{code}, /rows/{rowKey} or /reference."}
	}))
	return mux
}

func refuseMethod(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Allow", "GET, HEAD")
	return &problem.Problem{Status: http.StatusMethodNotAllowed, Title: http.StatusText(http.StatusMethodNotAllowed),
		Detail: fmt.Sprintf("%.20s %.200s: only GET and HEAD are allowed", r.Method, r.URL.Path), Remedy: "Use GET."}
}

func bad(remedy, format string, args ...any) error {
	return &problem.Problem{Status: http.StatusBadRequest, Title: http.StatusText(http.StatusBadRequest),
		Detail: fmt.Sprintf(format, args...), Remedy: remedy}
}

func (a *API) handle(serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return problem.Handler(a.Logger, explain, serve)
}

func (a *API) stocks(w http.ResponseWriter, r *http.Request) error {
	q, err := parseQuery(r)
	if err != nil {
		return err
	}
	page, err := a.Finder.ByCode(r.Context(), q)
	if err != nil {
		return err
	}
	fc.SetItems(r.Context(), len(page.Items))
	next := ""
	if page.Next != nil {
		next = page.Next.cursor()
	}
	if wantsCSV(r) {
		if page.Skipped > 0 {
			w.Header().Set("Feedstream-Skipped", strconv.Itoa(page.Skipped))
		}
		if next != "" {
			w.Header().Set("Link", fmt.Sprintf(`<?%s>; rel="next"`, nextQuery(r, next)))
		}
		return writeCSV(w, page.Items)
	}
	problem.WriteJSON(w, http.StatusOK, "application/json", struct {
		Items   []feed.Record `json:"items"`
		Next    string        `json:"next,omitempty"`
		Skipped int           `json:"skipped,omitempty"`
	}{page.Items, next, page.Skipped})
	return nil
}

func nextQuery(r *http.Request, cursor string) string {
	query := r.URL.Query()
	query.Set("cursor", cursor)
	return query.Encode()
}

func (a *API) row(w http.ResponseWriter, r *http.Request) error {
	rowKey := r.PathValue("rowKey")
	record, found, err := a.Finder.ByRowKey(r.Context(), rowKey)
	if err != nil {
		return err
	}
	if !found {
		return &problem.Problem{Status: http.StatusNotFound, Title: http.StatusText(http.StatusNotFound),
			Detail: fmt.Sprintf("there is no row %.300q", rowKey),
			Remedy: "A row's key is SENDER|CODE, with %7C for the bar: GET /stocks/{code} names the keys that there are."}
	}
	fc.SetItems(r.Context(), 1)
	if wantsCSV(r) {
		return writeCSV(w, []feed.Record{record})
	}
	problem.WriteJSON(w, http.StatusOK, "application/json", record)
	return nil
}

func (a *API) reference(w http.ResponseWriter, r *http.Request) error {
	view, err := a.Snapshots.Current(r.Context())
	if err != nil {
		return err
	}
	m := view.Manifest
	problem.WriteJSON(w, http.StatusOK, "application/json", struct {
		Version    string    `json:"version"`
		Revision   int64     `json:"revision"`
		BuiltAt    time.Time `json:"builtAt"`
		CheckedAt  time.Time `json:"checkedAt"`
		AgeSeconds float64   `json:"ageSeconds"`
		Entries    int       `json:"entries"`
		Pinned     bool      `json:"pinned"`
	}{m.Version, m.Revision, m.BuiltAt, m.CheckedAt, view.Age.Seconds(), m.Entries, m.Pinned})
	return nil
}

func parseQuery(r *http.Request) (Query, error) {
	q := Query{Code: r.PathValue("code"), From: math.MinInt64, To: math.MaxInt64, Limit: defaultLimit}
	if !feed.ValidStockCode(q.Code) {
		return q, bad("Ask for a code such as 2318.HK.", "the stock code %q does not match [0-9A-Za-z._-]{1,32}", q.Code)
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, bad("Escape what is special in a URL, such as %25 for a percent sign, and join parameters by &.",
			"the query string cannot be read: %v", err)
	}
	for name := range values {
		switch name {
		case "from", "to", "limit", "cursor":
		default:
			return q, bad("Leave it out, or correct its name.", "the parameter %q is unknown: there are from, to, limit and cursor", name)
		}
	}
	if text := values.Get("from"); text != "" {
		if q.From, err = parseTime("from", text); err != nil {
			return q, err
		}
	}
	if text := values.Get("to"); text != "" {
		if q.To, err = parseTime("to", text); err != nil {
			return q, err
		}
	}
	if text := values.Get("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > maxLimit {
			return q, bad(fmt.Sprintf("Give a whole number from 1 to %d, or leave limit out for %d.", maxLimit, defaultLimit),
				"limit=%s is not a number from 1 to %d", text, maxLimit)
		}
	}
	if text := values.Get("cursor"); text != "" {
		if q.After, err = parseCursor(text); err != nil {
			return q, err
		}
	}
	return q, nil
}

func parseTime(name, text string) (int64, error) {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return ms, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, bad("Give a time such as 1605760851123 or 2020-11-19T04:40:51.123Z.",
			"%s=%s is neither epoch milliseconds nor RFC 3339", name, text)
	}
	// A bound between two milliseconds lies at the later one, for inclusive and exclusive bounds alike.
	return t.Add(time.Millisecond - 1).UnixMilli(), nil
}

func (p Position) cursor() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.Time, 10) + " " + p.RowKey))
}

func parseCursor(text string) (*Position, error) {
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		ms, rowKey, _ := strings.Cut(string(decoded), " ")
		if at, err := strconv.ParseInt(ms, 10, 64); err == nil && rowKey != "" {
			return &Position{Time: at, RowKey: rowKey}, nil
		}
	}
	return nil, bad("Take the member next of the page before as it is, or begin without a cursor.",
		"the cursor %.64q was not given out by this function", text)
}

func wantsCSV(r *http.Request) bool {
	for accepted := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		media, _, _ := strings.Cut(accepted, ";")
		if strings.EqualFold(strings.TrimSpace(media), "text/csv") {
			return true
		}
	}
	return false
}

var csvHeader = []string{"rowKey", "sender", "stockCode", "stockName", "lastPrice", "timestamp", "matched",
	"referenceVersion", "originTopic", "originPartition", "originOffset"}

func writeCSV(w http.ResponseWriter, records []feed.Record) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	out := csv.NewWriter(w)
	out.UseCRLF = true
	_ = out.Write(csvHeader) // errors stay in the writer until Flush; the client has gone then
	for _, r := range records {
		price := ""
		if r.LastPrice != nil {
			price = r.LastPrice.String()
		}
		_ = out.Write([]string{r.RowKey(), r.Sender, r.StockCode, r.StockName, price, feed.FormatTime(r.Time),
			strconv.FormatBool(r.Matched), r.ReferenceVersion, r.Origin.Topic, strconv.Itoa(r.Origin.Partition),
			strconv.FormatInt(r.Origin.Offset, 10)})
	}
	out.Flush()
	return nil
}
