package main

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"feedstream/shared/feed"
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

// checkProblem checks the form of RFC 9457 and that the detail holds the given text.
func checkProblem(t *testing.T, answer *httptest.ResponseRecorder, status int, detail string) {
	t.Helper()
	var got struct {
		Title, Detail string
		Status        int
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

func TestStoreErrorsStayInside(t *testing.T) {
	broken := errors.New("region server hbase-1.internal:16020 refused")
	for _, test := range []struct {
		name, target string
		fail         func(*world)
	}{
		{"layout", "/stocks/2318.HK", func(w *world) { w.layoutErr = broken }},
		{"scan", "/stocks/2318.HK", func(w *world) { w.scanErr = broken }},
		{"get", "/stocks/2318.HK", func(w *world) { w.getErr = broken }},
		{"index key", "/stocks/2318.HK", func(w *world) { w.index["\x002318.HK\x00a\x00internal"] = ms }},
		{"row layout", "/rows/s%7C2318.HK", func(w *world) { w.layoutErr = broken }},
		{"row get", "/rows/s%7C2318.HK", func(w *world) { w.getErr = broken }},
		{"snapshot", "/reference", func(w *world) { w.snapshotErr = broken }},
	} {
		for _, accept := range []string{"", "text/csv"} {
			t.Run(test.name+accept, func(t *testing.T) {
				w := newWorld(record("s", "2318.HK", ms))
				test.fail(w)
				answer := ask(w, "GET", test.target, accept)
				if strings.Contains(answer.Body.String(), "internal") {
					t.Errorf("the answer tells of the inside: %s", answer.Body)
				}
				checkProblem(t, answer, http.StatusServiceUnavailable, "try again")
			})
		}
	}
}
