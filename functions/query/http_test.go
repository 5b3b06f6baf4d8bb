package main

import (
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"feedstream/shared/fc"
	"feedstream/shared/feed"
	"feedstream/shared/hbase"
	"feedstream/shared/phoenix"
	"feedstream/shared/reference"
)

const ms = 1605760851123

const line = `{"rowKey":"192.168.2.17|2318.HK","sender":"192.168.2.17","stockCode":"2318.HK",` +
	`"stockName":"Ping An Insurance","lastPrice":"78.25","timestamp":"2020-11-19T04:40:51.123Z","matched":true,` +
	`"referenceVersion":"20261123T021500Z-3f2a91c4","origin":{"topic":"feed-updates","partition":3,"offset":25}}`

func ask(w *world, method, target, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Header.Set("Accept", accept)
	answer := httptest.NewRecorder()
	w.api().Handler().ServeHTTP(answer, r)
	return answer
}

// checkProblem checks the form of RFC 9457, that there is a remedy, and that the detail holds the given text.
func checkProblem(t *testing.T, answer *httptest.ResponseRecorder, status int, detail string) {
	t.Helper()
	var got struct {
		Title, Detail, Remedy string
		Status                int
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v: %q", err, answer.Body)
	}
	if media := answer.Header().Get("Content-Type"); media != "application/problem+json" {
		t.Errorf("Content-Type = %q", media)
	}
	if answer.Code != status || got.Status != status || got.Title != http.StatusText(status) {
		t.Errorf("status = %d, problem = %+v, want %d", answer.Code, got, status)
	}
	if got.Remedy == "" {
		t.Errorf("%+v names no remedy", got)
	}
	if !strings.Contains(got.Detail, detail) {
		t.Errorf("the detail %q does not hold %q", got.Detail, detail)
	}
}

func TestStocksAnswersPages(t *testing.T) {
	w := newWorld(record("192.168.2.17", "2318.HK", ms), record("192.168.2.18", "2318.HK", ms-1))
	answer := ask(w, "GET", "/stocks/2318.HK?from=&to=&limit=1&cursor=", "")
	var page struct{ Next string }
	if err := json.Unmarshal(answer.Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	want := `{"items":[` + line + `],"next":"` + page.Next + `"}` + "\n"
	if diff := cmp.Diff(want, answer.Body.String()); diff != "" || page.Next == "" {
		t.Errorf("next = %q, %s", page.Next, diff)
	}
	if media := answer.Header().Get("Content-Type"); media != "application/json" {
		t.Errorf("Content-Type = %q", media)
	}
	last := ask(w, "GET", "/stocks/2318.HK?limit=1&cursor="+url.QueryEscape(page.Next), "").Body.String()
	if !strings.Contains(last, "192.168.2.18|2318.HK") || strings.Contains(last, `"next"`) {
		t.Errorf("last page = %s", last)
	}
	unknown := ask(w, "GET", "/stocks/9999.HK", "")
	if diff := cmp.Diff("{\"items\":[]}\n", unknown.Body.String()); diff != "" || unknown.Code != http.StatusOK {
		t.Errorf("unknown code: %d %s", unknown.Code, diff)
	}
}

func TestFromIsInclusiveAndToExclusive(t *testing.T) {
	w := newWorld(record("s", "2318.HK", ms))
	for query, found := range map[string]bool{
		"from=1605760851123":                  true,
		"from=1605760851124":                  false,
		"to=1605760851123":                    false,
		"to=1605760851124":                    true,
		"from=2020-11-19T04:40:51.123Z":       true,
		"from=2020-11-19T04:40:51.1230001Z":   false,
		"to=2020-11-19T04:40:51.123Z":         false,
		"to=2020-11-19T04:40:51.1230001Z":     true,
		"to=2020-11-19T12:40:51.124%2B08:00":  true,
		"from=1605760851124&to=1605760851123": false,
	} {
		answer := ask(w, "GET", "/stocks/2318.HK?"+query, "")
		if got := strings.Contains(answer.Body.String(), "rowKey"); got != found || answer.Code != http.StatusOK {
			t.Errorf("%s: %d, found = %t", query, answer.Code, got)
		}
	}
}

func TestBadParametersAreNamed(t *testing.T) {
	encode := base64.RawURLEncoding.EncodeToString
	for target, detail := range map[string]string{
		"/stocks/23%2018":                                   `"23 18"`,
		"/stocks/" + strings.Repeat("1", 33):                "{1,32}",
		"/stocks/2318.HK?limit=0":                           "limit=0",
		"/stocks/2318.HK?limit=-1":                          "limit=-1",
		"/stocks/2318.HK?limit=1001":                        "1 to 1000",
		"/stocks/2318.HK?limit=ten":                         "limit=ten",
		"/stocks/2318.HK?from=yesterday":                    "from=yesterday",
		"/stocks/2318.HK?to=2020-11-19T04:40:51":            "to=2020-11-19T04:40:51",
		"/stocks/2318.HK?form=1":                            `"form"`,
		"/stocks/2318.HK?limit=%zz":                         "query string",
		"/stocks/2318.HK?limit=1;from=2":                    "query string",
		"/stocks/2318.HK?cursor=!":                          `"!"`,
		"/stocks/2318.HK?cursor=" + encode([]byte("12")):    "cursor",
		"/stocks/2318.HK?cursor=" + encode([]byte("x s|c")): "cursor",
		"/stocks/2318.HK?cursor=" + encode([]byte("12 ")):   "cursor",
	} {
		t.Run(target, func(t *testing.T) {
			checkProblem(t, ask(newWorld(), "GET", target, ""), http.StatusBadRequest, detail)
		})
	}
}

func TestCSV(t *testing.T) {
	const header = "rowKey,sender,stockCode,stockName,lastPrice,timestamp,matched,referenceVersion," +
		"originTopic,originPartition,originOffset\r\n"
	const row = "192.168.2.17|2318.HK,192.168.2.17,2318.HK,Ping An Insurance,78.25,2020-11-19T04:40:51.123Z,true," +
		"20261123T021500Z-3f2a91c4,feed-updates,3,25\r\n"
	unmatched := feed.Join(feed.Update{Sender: `a "b", c`, StockCode: "2318.HK", Time: ms - 1},
		feed.Origin{Topic: "t"}, nil, "v")
	w := newWorld(record("192.168.2.17", "2318.HK", ms), unmatched)

	answer := ask(w, "GET", "/stocks/2318.HK?limit=1", "application/json;q=0.5, Text/CSV; charset=utf-8")
	if diff := cmp.Diff(header+row, answer.Body.String()); diff != "" {
		t.Error(diff)
	}
	if media := answer.Header().Get("Content-Type"); media != "text/csv; charset=utf-8" {
		t.Errorf("Content-Type = %q", media)
	}
	link, ok := strings.CutSuffix(strings.TrimPrefix(answer.Header().Get("Link"), "<"), `>; rel="next"`)
	if !ok {
		t.Fatalf("Link = %q", answer.Header().Get("Link"))
	}
	rows, err := csv.NewReader(ask(w, "GET", "/stocks/2318.HK"+link, "text/csv").Body).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`a "b", c|2318.HK`, `a "b", c`, "2318.HK", "", "", "2020-11-19T04:40:51.122Z", "false", "v", "t", "0", "0"}
	if diff := cmp.Diff([][]string{csvHeader, want}, rows); diff != "" {
		t.Error(diff)
	}
	for target, want := range map[string]string{
		"/rows/192.168.2.17%7C2318.HK": header + row, "/stocks/9999.HK": header,
	} {
		if diff := cmp.Diff(want, ask(w, "GET", target, "text/csv").Body.String()); diff != "" {
			t.Errorf("%s: %s", target, diff)
		}
	}
}

func TestRowByItsEscapedKey(t *testing.T) {
	const odd = "a/b%c d?é"
	w := newWorld(record("192.168.2.17", "2318.HK", ms), record(odd, "2318.HK", ms))
	if diff := cmp.Diff(line+"\n", ask(w, "GET", "/rows/192.168.2.17%7C2318.HK", "").Body.String()); diff != "" {
		t.Error(diff)
	}
	answer := ask(w, "GET", "/rows/"+url.PathEscape(odd+"|2318.HK"), "")
	var got feed.Record
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil || got.Sender != odd {
		t.Errorf("%v: %s", err, answer.Body)
	}
	checkProblem(t, ask(w, "GET", "/rows/nobody%7C2318.HK", ""), http.StatusNotFound, `"nobody|2318.HK"`)
	checkProblem(t, ask(w, "GET", "/rows/"+strings.Repeat("x", 100_000), ""), http.StatusNotFound, "there is no row")
}

func TestReference(t *testing.T) {
	w := newWorld()
	w.view = reference.View{Age: 90 * time.Second, Manifest: reference.Manifest{
		Revision: 7, Version: "20261123T021500Z-3f2a91c4", Entries: 2, Pinned: true, Object: "stock/secret.snap",
		BuiltAt: time.UnixMilli(ms).UTC(), CheckedAt: time.UnixMilli(ms + 1000).UTC(),
	}}
	want := `{"version":"20261123T021500Z-3f2a91c4","revision":7,"builtAt":"2020-11-19T04:40:51.123Z",` +
		`"checkedAt":"2020-11-19T04:40:52.123Z","ageSeconds":90,"entries":2,"pinned":true}` + "\n"
	if diff := cmp.Diff(want, ask(w, "GET", "/reference", "").Body.String()); diff != "" {
		t.Error(diff)
	}
}

func TestOtherMethodsAndPathsAreRefused(t *testing.T) {
	for _, path := range []string{"/stocks/2318.HK", "/rows/a%7Cb", "/reference"} {
		answer := ask(newWorld(), "POST", path, "")
		checkProblem(t, answer, http.StatusMethodNotAllowed, "POST")
		if allow := answer.Header().Get("Allow"); allow != "GET, HEAD" {
			t.Errorf("%s: Allow = %q", path, allow)
		}
	}
	for _, path := range []string{"/", "/stocks", "/stocks/a/b", "/rows/", "/other"} {
		checkProblem(t, ask(newWorld(), "GET", path, ""), http.StatusNotFound, path)
	}
}

// TestErrorsAreToldAsWhatTheyAre, without what a store said of itself, and with a remedy.
func TestErrorsAreToldAsWhatTheyAre(t *testing.T) {
	away := fmt.Errorf("%w: region server hbase-1.internal:16020 refused", hbase.ErrUnavailable)
	noTable := fmt.Errorf("HBase at zk.internal: %w", hbase.ErrTableNotFound)
	differs := &phoenix.LayoutError{Differences: []phoenix.Difference{
		{What: "table T is without STORE_NULLS", Remedy: "ALTER TABLE T SET STORE_NULLS=true"}}}
	noSnapshot := func(cause error) error {
		return fmt.Errorf("%w: OSS at oss.internal: %w", reference.ErrNoSnapshot, cause)
	}
	for _, test := range []struct {
		name, target string
		fail         func(*world)
		status       int
		says         string
	}{
		{"layout unread", "/stocks/2318.HK", func(w *world) { w.layoutErr = away }, 503, "Try again"},
		{"scan", "/stocks/2318.HK", func(w *world) { w.scanErr = away }, 503, "Try again"},
		{"get", "/stocks/2318.HK", func(w *world) { w.getErr = away }, 503, "Try again"},
		{"out of time", "/stocks/2318.HK", func(w *world) { w.getErr = context.DeadlineExceeded }, 503, "Try again"},
		{"row, layout unread", "/rows/s%7C2318.HK", func(w *world) { w.layoutErr = away }, 503, "Try again"},
		{"row get", "/rows/s%7C2318.HK", func(w *world) { w.getErr = away }, 503, "Try again"},
		{"other layout", "/rows/s%7C2318.HK", func(w *world) { w.layoutErr = differs }, 500, "ALTER TABLE T SET STORE_NULLS=true"},
		{"no table", "/stocks/2318.HK", func(w *world) { w.layoutErr = noTable }, 500, "HBASE_TABLE"},
		{"nobody knows", "/stocks/2318.HK", func(w *world) { w.getErr = errors.New("internal") }, 500, "the function's log"},
		{"OSS is away", "/reference", func(w *world) { w.snapshotErr = noSnapshot(context.DeadlineExceeded) }, 503, "Try again"},
		{"nothing announced", "/reference", func(w *world) { w.snapshotErr = noSnapshot(reference.ErrNotFound) }, 404, "feedstream refresh"},
		{"snapshot corrupt", "/reference", func(w *world) { w.snapshotErr = noSnapshot(errors.New("sha256")) }, 500, "doctor --live"},
	} {
		for _, accept := range []string{"", "text/csv"} {
			t.Run(test.name+accept, func(t *testing.T) {
				w := newWorld(record("s", "2318.HK", ms))
				test.fail(w)
				answer := ask(w, "GET", test.target, accept)
				if strings.Contains(answer.Body.String(), "internal") {
					t.Errorf("the answer tells of the inside: %s", answer.Body)
				}
				if answer.Code != test.status || !strings.Contains(answer.Body.String(), test.says) {
					t.Errorf("answer = %d %s, want %d that says %q", answer.Code, answer.Body, test.status, test.says)
				}
				if (answer.Header().Get("Retry-After") != "") != (test.status == 503) {
					t.Errorf("Retry-After = %q", answer.Header().Get("Retry-After"))
				}
			})
		}
	}
}

// changed puts the record's row into the world as another writer has left it.
func (w *world) changed(r feed.Record, cellTime int64, change map[string][]byte) {
	put := layout.Row(&r).Data
	put.Timestamp = cellTime
	put.Cells = slices.DeleteFunc(slices.Clone(put.Cells), func(c phoenix.Cell) bool {
		value, changed := change[c.Qualifier]
		return changed && value == nil
	})
	w.data[string(put.Key)] = put
	index := layout.Row(&r).Index
	w.index[string(index.Key)] = cellTime
}

// TestIncompleteRowsAreSkippedAndSaid: one row that SQL has written in part does not take the page from
// the others, and the pages go on behind it.
func TestIncompleteRowsAreSkippedAndSaid(t *testing.T) {
	whole := []feed.Record{record("a", "2318.HK", ms), record("b", "2318.HK", ms-10), record("c", "2318.HK", ms-20)}
	for name, test := range map[string]struct {
		spoil func(*world)
		key   string
	}{
		"without TIMESTAMP": {func(w *world) { w.changed(record("x", "2318.HK", ms-5), ms-5, map[string][]byte{"TIMESTAMP": nil}) }, "x|2318.HK"},
		"without separator": {func(w *world) {
			put := layout.Row(&whole[0]).Data
			put.Key = layout.DataKey("2318.HK")
			w.data[string(put.Key)] = put
			index := []byte("\x002318.HK\x002318.HK")
			index[0] = phoenix.Salt(index[1:], layout.IndexSaltBuckets)
			w.index[string(index)] = ms - 5
		}, "2318.HK"},
		"of another time than its cells": {func(w *world) { w.changed(record("x", "2318.HK", ms-500), ms-5, nil) }, "x|2318.HK"},
		"of an earlier time than its index row": {func(w *world) {
			w.putData(record("x", "2318.HK", ms-500))
			w.putIndex(record("x", "2318.HK", ms-5))
		}, "x|2318.HK"},
		"index key": {func(w *world) { w.index["\x002318.HK\x00a\x00b"] = ms - 5 }, "2318.HK"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(whole...)
			test.spoil(w)
			var shown []string
			skipped := 0
			for next := "?limit=1"; next != ""; {
				answer := ask(w, "GET", "/stocks/2318.HK"+next, "")
				var page struct {
					Items   []feed.Record
					Next    string
					Skipped int
				}
				if err := json.Unmarshal(answer.Body.Bytes(), &page); err != nil || answer.Code != http.StatusOK {
					t.Fatalf("%d %s: %v", answer.Code, answer.Body, err)
				}
				if strings.Contains(answer.Body.String(), "skipped") != (page.Skipped > 0) {
					t.Errorf("skipped is said although nothing was: %s", answer.Body)
				}
				for _, r := range page.Items {
					shown = append(shown, r.Sender)
				}
				skipped += page.Skipped
				if next = ""; page.Next != "" {
					next = "?limit=1&cursor=" + page.Next
				}
			}
			if diff := cmp.Diff([]string{"a", "b", "c"}, shown); diff != "" || skipped != 1 {
				t.Errorf("%d skipped, rows: %s", skipped, diff)
			}
			if !strings.Contains(w.log.String(), "level=WARN") || !strings.Contains(w.log.String(), test.key) {
				t.Errorf("log = %q, want the key %s", w.log.String(), test.key)
			}
			if got := ask(w, "GET", "/stocks/2318.HK", "text/csv").Header().Get("Feedstream-Skipped"); got != "1" {
				t.Errorf("Feedstream-Skipped = %q", got)
			}
		})
	}
}

func TestIncompleteRowIsNamed(t *testing.T) {
	w := newWorld()
	w.changed(record("x", "2318.HK", ms), ms, map[string][]byte{"TIMESTAMP": nil, "STOCK_CODE": nil})
	answer := ask(w, "GET", "/rows/x%7C2318.HK", "")
	var got struct{ Title, Detail, Remedy string }
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if want := `The row "x|2318.HK" is there and has no value in STOCK_CODE, TIMESTAMP.`; got.Detail != want || answer.Code != 500 || got.Remedy == "" {
		t.Errorf("answer = %d %+v, want 500 with %s", answer.Code, got, want)
	}
}

// TestRowKeysLongerThanAnyInHBase: a store would only say that it cannot be asked.
func TestRowKeysLongerThanAnyInHBase(t *testing.T) {
	for length, asked := range map[int]bool{phoenix.MaxKeyBytes - 1: true, phoenix.MaxKeyBytes: false, 100_000: false} {
		w := newWorld()
		w.getErr = hbase.ErrUnavailable
		answer := ask(w, "GET", "/rows/"+strings.Repeat("k", length), "")
		if (answer.Code == http.StatusServiceUnavailable) != asked || !asked && answer.Code != http.StatusNotFound {
			t.Errorf("%d bytes: %d", length, answer.Code)
		}
		if answer.Body.Len() > 1000 {
			t.Errorf("%d bytes: the answer has %d", length, answer.Body.Len())
		}
	}
}

func TestTheLineOfARequestHasItsItems(t *testing.T) {
	w := newWorld(record("s1", "2318.HK", 1), record("s2", "2318.HK", 2))
	for path, want := range map[string]string{
		"/stocks/2318.HK": `path=/stocks/{code} status=200`, "/rows/s1%7C2318.HK": `path=/rows/{rowKey} status=200`, "/x": `path=/ status=404`,
	} {
		w.log.Reset()
		fc.Handler(fc.Config{Logger: w.logger(), RequestLines: io.Discard}, fc.Function{HTTP: w.api().Handler()}).
			ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
		if !strings.Contains(w.log.String(), want) {
			t.Errorf("%s is logged as %s", path, w.log.String())
		}
		items := map[string]string{"/stocks/2318.HK": "items=2", "/rows/s1%7C2318.HK": "items=1"}[path]
		if !strings.Contains(w.log.String(), items) {
			t.Errorf("%s: %s lacks %s", path, w.log.String(), items)
		}
	}
}
