package main

import (
	"container/heap"
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"

	"feedstream/shared/feed"
	"feedstream/shared/phoenix"
)

// layouts tells how the table and its index are stored.
type layouts interface {
	Layout(ctx context.Context) (*phoenix.Layout, error)
}

// rows reads the table and its index.
type rows interface {
	// Get returns one element for each key, in their order; an absent row has no cells.
	Get(ctx context.Context, table string, keys [][]byte) ([]phoenix.Stored, error)
	// ScanKeys calls visit, from one goroutine at a time, with the key and the cell timestamp of each
	// row in the ranges, in no order across ranges. It asks since now and then, never at the same time,
	// and may leave out rows that are older.
	ScanKeys(ctx context.Context, table string, ranges []phoenix.Range, since func() int64,
		visit func(key []byte, timestamp int64)) error
}

// Finder is the use case of feed-query: rows by stock code and by row key.
type Finder struct {
	Layouts layouts
	Rows    rows
	Logger  *slog.Logger // is told the key of each row that is skipped
}

// Query asks for one page of a stock code's rows.
type Query struct {
	Code string
	// From is inclusive and To exclusive, event times in epoch milliseconds.
	From, To int64
	Limit    int
	After    *Position // the last row of the page before; nil for the first page
}

// Position is a row's place in the order of a query: event time descending, then row key ascending.
type Position struct {
	Time   int64
	RowKey string
}

// before reports whether p comes earlier in the order than q.
func (p Position) before(q Position) bool {
	if p.Time != q.Time {
		return p.Time > q.Time
	}
	return p.RowKey < q.RowKey
}

// Page is an answer; Next is nil at the end.
type Page struct {
	Items []feed.Record
	Next  *Position
	// Skipped counts rows that have their place on the page and are no records: another writer has left
	// them incomplete, or with another event time than their cells.
	Skipped int
}

// ByCode returns the newest rows of a stock code within the query's bounds.
//
// The order of the index is not that of time, so HBase looks at all index rows of the code, whatever the limit.
// What travels and what is kept is bounded by the page: once as many rows are found as it has, the rest of the
// scan leaves out what is older than the last of them. It cannot leave out what is newer, the rows of the pages
// before: with an end to its range of time HBase returns superseded versions until a compaction. So a page
// far behind costs the rows before it too.
//
// Then the data rows of the page are read. A row that moved on between the two reads, or whose index row is an
// orphan, does not show; a row never shows twice. One that is no record's is skipped, so that it does not take
// the page from all others.
func (f *Finder) ByCode(ctx context.Context, q Query) (Page, error) {
	if q.From >= q.To {
		return Page{Items: []feed.Record{}}, nil
	}
	layout, err := f.Layouts.Layout(ctx)
	if err != nil {
		return Page{}, fmt.Errorf("check the layout of the table: %w", err)
	}
	best := newest{limit: q.Limit + 1}
	page := Page{Items: []feed.Record{}}
	since := func() int64 { return max(q.From, best.oldest()) }
	err = f.Rows.ScanKeys(ctx, layout.Index, layout.IndexRanges(q.Code), since, func(key []byte, timestamp int64) {
		if timestamp < q.From || timestamp >= q.To {
			return
		}
		_, rowKey, err := layout.ParseIndexKey(key)
		if err != nil {
			if q.After == nil { // it has no place in the order: it is told once, if at all, on the first page
				f.skip(ctx, &page, string(key), err)
			}
			return
		}
		at := Position{Time: timestamp, RowKey: rowKey}
		if q.After == nil || q.After.before(at) {
			best.add(at)
		}
	})
	if err != nil {
		return Page{}, fmt.Errorf("read the index rows of %s: %w", q.Code, err)
	}
	found := best.sorted()
	if len(found) > q.Limit {
		found = found[:q.Limit]
		page.Next = &found[q.Limit-1]
	}
	if err := f.load(ctx, layout, q.Code, found, &page); err != nil {
		return Page{}, err
	}
	return page, nil
}

// load reads the data rows of a page, and leaves out those that are no longer what the index said.
func (f *Finder) load(ctx context.Context, layout *phoenix.Layout, code string, positions []Position,
	page *Page) error {
	if len(positions) == 0 {
		return nil
	}
	keys := make([][]byte, len(positions))
	for i, at := range positions {
		keys[i] = layout.DataKey(at.RowKey)
	}
	stored, err := f.Rows.Get(ctx, layout.Table, keys)
	if err != nil {
		return fmt.Errorf("read %d rows of %s: %w", len(keys), code, err)
	}
	for i := range stored {
		if len(stored[i].Cells) == 0 {
			continue // an orphan in the index
		}
		record, err := layout.ParseRow(&stored[i])
		switch {
		case err != nil:
			f.skip(ctx, page, positions[i].RowKey, err)
		case record.StockCode != code: // an orphan in the index
		case record.Time == positions[i].Time:
			page.Items = append(page.Items, record)
		case record.Time > positions[i].Time && record.Time == stored[i].Timestamp: // it moved on
		default:
			f.skip(ctx, page, positions[i].RowKey, fmt.Errorf(
				"its event time is %s, its cells are of %s and its index row of %s",
				feed.FormatTime(record.Time), feed.FormatTime(stored[i].Timestamp), feed.FormatTime(positions[i].Time)))
		}
	}
	return nil
}

func (f *Finder) skip(ctx context.Context, page *Page, key string, err error) {
	page.Skipped++
	f.Logger.WarnContext(ctx, "a row is no record's and left out", "key", key, "error", err)
}

// ByRowKey returns one row; found is false when there is none.
func (f *Finder) ByRowKey(ctx context.Context, rowKey string) (record feed.Record, found bool, err error) {
	layout, err := f.Layouts.Layout(ctx)
	if err != nil {
		return feed.Record{}, false, fmt.Errorf("check the layout of the table: %w", err)
	}
	key := layout.DataKey(rowKey)
	if len(key) > phoenix.MaxKeyBytes {
		return feed.Record{}, false, nil
	}
	stored, err := f.Rows.Get(ctx, layout.Table, [][]byte{key})
	if err != nil {
		return feed.Record{}, false, fmt.Errorf("read the row: %w", err)
	}
	if len(stored) == 0 || len(stored[0].Cells) == 0 {
		return feed.Record{}, false, nil
	}
	record, err = layout.ParseRow(&stored[0])
	return record, err == nil, err
}

// newest keeps the first limit positions of the order, in a heap whose root is the last of them.
type newest struct {
	limit int
	heap  positions
}

func (n *newest) add(at Position) {
	if len(n.heap) < n.limit {
		heap.Push(&n.heap, at)
		return
	}
	if at.before(n.heap[0]) {
		n.heap[0] = at
		heap.Fix(&n.heap, 0)
	}
}

// oldest is the time below which nothing is added any more.
func (n *newest) oldest() int64 {
	if len(n.heap) < n.limit {
		return math.MinInt64
	}
	return n.heap[0].Time
}

func (n *newest) sorted() []Position {
	slices.SortFunc(n.heap, func(p, q Position) int {
		switch {
		case p.before(q):
			return -1
		case q.before(p):
			return 1
		}
		return 0
	})
	return n.heap
}

type positions []Position

func (p positions) Len() int           { return len(p) }
func (p positions) Less(i, j int) bool { return p[j].before(p[i]) }
func (p positions) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *positions) Push(x any)        { *p = append(*p, x.(Position)) }
func (p *positions) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}
