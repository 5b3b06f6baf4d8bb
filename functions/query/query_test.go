package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"feedstream/shared/feed"
	"feedstream/shared/phoenix"
	"feedstream/shared/reference"
)

var layout = &phoenix.Layout{Table: "T", Index: "I", SaltBuckets: 16, IndexSaltBuckets: 16, Uncovered: true}

// world is a table, its index and a reference in memory. Ranges are scanned in no order.
type world struct {
	layoutErr, scanErr, getErr, snapshotErr error

	data  map[string]phoenix.Put
	index map[string]int64
	view  reference.View
	log   strings.Builder
}

func newWorld(records ...feed.Record) *world {
	w := &world{data: map[string]phoenix.Put{}, index: map[string]int64{}}
	for i := range records {
		w.putData(records[i])
		w.putIndex(records[i])
	}
	return w
}

func (w *world) putData(r feed.Record) {
	put := layout.Row(&r).Data
	w.data[string(put.Key)] = put
}

func (w *world) putIndex(r feed.Record) {
	put := layout.Row(&r).Index
	w.index[string(put.Key)] = put.Timestamp
}

func (w *world) Layout(context.Context) (*phoenix.Layout, error) { return layout, w.layoutErr }

func (w *world) Get(_ context.Context, _ string, keys [][]byte) ([]phoenix.Stored, error) {
	rows := make([]phoenix.Stored, len(keys))
	for i, key := range keys {
		put := w.data[string(key)]
		rows[i] = phoenix.Stored{Key: key, Timestamp: put.Timestamp, Cells: put.Cells}
	}
	return rows, w.getErr
}

func (w *world) ScanKeys(_ context.Context, _ string, ranges []phoenix.Range, since func() int64, visit func([]byte, int64)) error {
	for _, r := range ranges {
		for key, timestamp := range w.index {
			if timestamp < since() {
				continue
			}
			if bytes.Compare([]byte(key), r.Start) >= 0 && bytes.Compare([]byte(key), r.Stop) < 0 {
				visit([]byte(key), timestamp)
			}
		}
	}
	return w.scanErr
}

func (w *world) Current(context.Context) (reference.View, error) { return w.view, w.snapshotErr }

func (w *world) finder() *Finder { return &Finder{Layouts: w, Rows: w, Logger: w.logger()} }

func (w *world) logger() *slog.Logger { return slog.New(slog.NewTextHandler(&w.log, nil)) }

func (w *world) api() *API {
	return &API{Finder: w.finder(), Snapshots: w, Logger: w.logger()}
}

func record(sender, code string, ms int64) feed.Record {
	price := feed.Price(782_500)
	return feed.Join(feed.Update{Sender: sender, StockCode: code, Time: ms},
		feed.Origin{Topic: "feed-updates", Partition: 3, Offset: 25},
		&feed.Entry{Name: "Ping An Insurance", Price: &price}, "20261123T021500Z-3f2a91c4")
}

// walk asks for page after page, each cursor in its text form, and calls between after each page.
func walk(t *rapid.T, f *Finder, q Query, between func()) (shown []feed.Record) {
	for pages := 0; ; pages++ {
		if pages > 100 {
			t.Fatal("the pages do not end")
		}
		page, err := f.ByCode(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Items) > q.Limit {
			t.Fatalf("%d items on a page of %d", len(page.Items), q.Limit)
		}
		shown = append(shown, page.Items...)
		if page.Next == nil {
			return shown
		}
		if q.After, err = parseCursor(page.Next.cursor()); err != nil {
			t.Fatal(err)
		}
		between()
	}
}

var codes = []string{"2318.HK", "2318.HK2", "0941.HK"} // one is the beginning of another

func drawRecords(t *rapid.T) []feed.Record {
	return rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) feed.Record {
		return record(fmt.Sprintf("s%d", rapid.IntRange(0, 30).Draw(t, "sender")),
			rapid.SampledFrom(codes).Draw(t, "code"), rapid.Int64Range(1, 12).Draw(t, "ms"))
	}), 0, 50, func(r feed.Record) string { return r.RowKey() }).Draw(t, "records")
}

func drawQuery(t *rapid.T) Query {
	bound := func(name string, open int64) int64 {
		return rapid.OneOf(rapid.Just(open), rapid.Int64Range(0, 13)).Draw(t, name)
	}
	return Query{
		Code: rapid.SampledFrom(codes).Draw(t, "asked"), From: bound("from", math.MinInt64),
		To: bound("to", math.MaxInt64), Limit: rapid.IntRange(1, 12).Draw(t, "limit"),
	}
}

// TestPagesAreTheSortedRows holds for rows, rows that moved on after their index row was written, and
// index rows without a row.
func TestPagesAreTheSortedRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, q := newWorld(), drawQuery(t)
		want := []string{}
		records := drawRecords(t)
		slices.SortFunc(records, func(a, b feed.Record) int {
			return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(a.RowKey(), b.RowKey()))
		})
		for _, r := range records {
			w.putIndex(r)
			switch rapid.SampledFrom([]string{"whole", "whole", "moved on", "orphan"}).Draw(t, "state") {
			case "whole":
				w.putData(r)
				if r.StockCode == q.Code && r.Time >= q.From && r.Time < q.To {
					want = append(want, fmt.Sprint(r.Time, " ", r.RowKey()))
				}
			case "moved on":
				r.Time++
				w.putData(r)
			}
		}
		got := []string{}
		for _, r := range walk(t, w.finder(), q, func() {}) {
			got = append(got, fmt.Sprint(r.Time, " ", r.RowKey()))
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestARowThatMovesBetweenPagesIsNotShownTwice and those that stay are all shown.
func TestARowThatMovesBetweenPagesIsNotShownTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records, q := drawRecords(t), drawQuery(t)
		q.From, q.To = math.MinInt64, math.MaxInt64
		w, moved := newWorld(records...), map[string]bool{}
		shown := walk(t, w.finder(), q, func() {
			for i := range records {
				if rapid.IntRange(0, 9).Draw(t, "moves") == 0 {
					records[i].Time += rapid.Int64Range(1, 12).Draw(t, "by")
					moved[records[i].RowKey()] = true
					w.putData(records[i])
					w.putIndex(records[i])
				}
			}
		})
		times := map[string]int{}
		for _, r := range shown {
			times[r.RowKey()]++
		}
		for _, r := range records {
			n := times[r.RowKey()]
			if n > 1 || r.StockCode == q.Code && n == 0 && !moved[r.RowKey()] {
				t.Errorf("%s was shown %d times, moved: %t", r.RowKey(), n, moved[r.RowKey()])
			}
		}
	})
}

func TestCursorRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Position{Time: rapid.Int64().Draw(t, "time"), RowKey: rapid.StringN(1, -1, 300).Draw(t, "key")}
		got, err := parseCursor(want.cursor())
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(&want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// A query that begins where it ends, or behind, asks nothing: HBase knows no such range.
func TestAnEmptyRangeIsAnEmptyPage(t *testing.T) {
	for _, q := range []Query{{Code: "2318.HK", From: math.MaxInt64, To: math.MaxInt64, Limit: 1}, {Code: "2318.HK", From: 2, To: 1, Limit: 1}} {
		page, err := new(Finder).ByCode(t.Context(), q)
		if err != nil || len(page.Items) != 0 || page.Items == nil || page.Next != nil {
			t.Errorf("%+v: %+v, %v", q, page, err)
		}
	}
}
