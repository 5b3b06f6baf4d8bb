package hbase

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"feedstream/shared/phoenix"
	"feedstream/shared/testkit"
)

// fakeCatalog answers with rows and counts what it is asked.
type fakeCatalog struct {
	rows                []phoenix.Stored
	err                 error
	reads, fingerprints int
}

func (c *fakeCatalog) Catalog(context.Context, string, string) ([]phoenix.Stored, error) {
	c.reads++
	return c.rows, c.err
}

func (c *fakeCatalog) Fingerprint(_ context.Context, table, index string) (string, error) {
	c.fingerprints++
	return phoenix.Fingerprint(table, index, c.rows), c.err
}

const (
	testTable = "USER_TEST.STOCK"
	testIndex = "USER_TEST.STOCK_CODE_INDEX"
)

// goldenRows are the catalog rows of a live Phoenix.
func goldenRows(t *testing.T) []phoenix.Stored {
	t.Helper()
	content, err := os.ReadFile("../phoenix/testdata/catalog.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string][]struct{ Row, Qualifier, Value string }
	if err := json.Unmarshal(content, &golden); err != nil {
		t.Fatal(err)
	}
	var rows []phoenix.Stored
	at := map[string]int{}
	for _, name := range []string{"STOCK", "STOCK_CODE_INDEX"} {
		for _, cell := range golden[name] {
			if _, ok := at[cell.Row]; !ok {
				at[cell.Row] = len(rows)
				rows = append(rows, phoenix.Stored{Key: unhex(t, cell.Row)})
			}
			row := &rows[at[cell.Row]]
			row.Cells = append(row.Cells, phoenix.Cell{Qualifier: cell.Qualifier, Value: unhex(t, cell.Value)})
		}
	}
	return rows
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// change gives the header row of the table another value, as DDL does.
func (c *fakeCatalog) change(t *testing.T, qualifier string, value []byte) {
	t.Helper()
	changed := false
	for i := range c.rows {
		if !strings.HasSuffix(string(c.rows[i].Key), "\x00STOCK") {
			continue
		}
		cells := append([]phoenix.Cell(nil), c.rows[i].Cells...)
		for j := range cells {
			if cells[j].Qualifier == qualifier {
				cells[j].Value, changed = value, true
			}
		}
		c.rows[i].Cells = cells
	}
	if !changed {
		t.Fatalf("the table's header has no %s", qualifier)
	}
}

func newLayouts(c *fakeCatalog) (*Layouts, *time.Time) {
	now := time.UnixMilli(1_800_000_000_000)
	return &Layouts{
		Catalog: c, Table: testTable, Index: testIndex, Logger: testkit.Quiet(),
		Now: func() time.Time { return now },
	}, &now
}

func TestLayoutIsReReadAtMostOnceAMinute(t *testing.T) {
	c := &fakeCatalog{rows: goldenRows(t)}
	l, now := newLayouts(c)
	ask := func(wantReads, wantFingerprints int) {
		t.Helper()
		if _, err := l.Layout(t.Context()); err != nil {
			t.Fatal(err)
		}
		if c.reads != wantReads || c.fingerprints != wantFingerprints {
			t.Errorf("%d reads of the catalog, %d of the headers; want %d and %d", c.reads, c.fingerprints, wantReads, wantFingerprints)
		}
	}
	ask(1, 0)
	*now = now.Add(LayoutInterval - time.Millisecond)
	ask(1, 0)
	*now = now.Add(time.Millisecond)
	ask(1, 1) // unchanged headers save the rest
	*now = now.Add(LayoutInterval - time.Millisecond)
	ask(1, 1)
	c.change(t, "LAST_DDL_TIMESTAMP", []byte{0x80, 0, 0, 0, 0, 0, 0, 1})
	*now = now.Add(time.Millisecond)
	ask(2, 2) // somebody ran DDL that changes nothing of ours
}

func TestChangedTableIsRefused(t *testing.T) {
	c := &fakeCatalog{rows: goldenRows(t)}
	l, now := newLayouts(c)
	if _, err := l.Layout(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.change(t, "STORE_NULLS", []byte{0})
	c.change(t, "LAST_DDL_TIMESTAMP", []byte{0x80, 0, 0, 0, 0, 0, 0, 1}) // as any DDL does
	*now = now.Add(LayoutInterval)
	for range 2 { // it stays refused
		if _, err := l.Layout(t.Context()); err == nil || !strings.Contains(err.Error(), "STORE_NULLS=true") {
			t.Errorf("error = %v, want the remedy", err)
		}
	}
	c.rows = goldenRows(t)
	if _, err := l.Layout(t.Context()); err != nil {
		t.Errorf("the mended table: %v", err)
	}
	c.rows = nil
	*now = now.Add(LayoutInterval)
	if _, err := l.Layout(t.Context()); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("error = %v, want that the table is gone", err)
	}
}

func TestUnreadableCatalogFailsUntilItAnswers(t *testing.T) {
	c := &fakeCatalog{rows: goldenRows(t), err: errors.New("HBase is away")}
	l, now := newLayouts(c)
	if _, err := l.Layout(t.Context()); !errors.Is(err, c.err) {
		t.Errorf("first read: %v", err)
	}
	c.err = nil
	if _, err := l.Layout(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.err = errors.New("HBase is away again")
	*now = now.Add(LayoutInterval)
	if _, err := l.Layout(t.Context()); !errors.Is(err, c.err) {
		t.Errorf("re-read: %v", err)
	}
	c.err = nil
	if _, err := l.Layout(t.Context()); err != nil || c.reads != 2 {
		t.Errorf("%v after %d reads of the catalog, want 2: the layout is still known", err, c.reads)
	}
}

func TestConcurrentCallersReadOnce(t *testing.T) {
	c := &fakeCatalog{rows: goldenRows(t)}
	l, _ := newLayouts(c)
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			if _, err := l.Layout(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if c.reads != 1 {
		t.Errorf("%d reads of the catalog", c.reads)
	}
}
