// Package hbasetest states what the adapter of package hbase relies on, as a suite of tests. The
// embedded HBase and a real one with Phoenix pass the same suite.
package hbasetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"feedstream/shared/feed"
	"feedstream/shared/hbase"
	"feedstream/shared/phoenix"
	"feedstream/shared/testkit"
)

// Target is an HBase to test. Table and index must exist there, laid out as phoenix.TableDDL and
// phoenix.IndexDDL say; the suite adds rows under senders of its own and leaves all others alone.
type Target struct {
	ZooKeeper    string
	Root         string // empty means /hbase
	Table, Index string // empty means those of feed
}

// Run runs the suite. open returns the HBase to test and may return the same one each time.
func Run(t *testing.T, open func(testing.TB) Target) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *fixture)
	}{
		{"preflight accepts the layout", testPreflight},
		{"a missing table is named", testMissingTable},
		{"rows are found by key and by code", testWriteAndRead},
		{"the newest event wins in any order", testEventTime},
		{"writing again changes nothing", testRepeat},
		{"many batches side by side", testBatches},
		{"a rejected row fails alone", testRejected},
		{"a dead connection is replaced", testDeadConnection},
		{"a silent connection is given up", testSilentConnection},
		{"a scan can be left and is bounded", testScan},
		{"a scan of keys leaves out what is older", testScanSince},
		{"the end of the time is an answer", testDeadline},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newFixture(t, open(t), hbase.Config{})) })
	}
}

// fixture is a client on the target with stock codes nobody else uses.
type fixture struct {
	Target
	client *hbase.Client
	layout phoenix.Layout
	code   string
	conns  *connections
}

func newFixture(t *testing.T, target Target, cfg hbase.Config) *fixture {
	t.Helper()
	if target.Table == "" {
		target.Table, target.Index = feed.DefaultTable, feed.DefaultIndex
	}
	f := &fixture{Target: target, conns: new(connections)}
	f.code = fmt.Sprintf("T%d.%d", time.Now().UnixNano(), os.Getpid())
	cfg.ZooKeeper, cfg.Root, cfg.Dial = target.ZooKeeper, target.Root, f.conns.dial
	f.client = testkit.Must(hbase.New(cfg))(t)
	t.Cleanup(func() { _ = f.client.Close() })
	rows := testkit.Must(f.client.Catalog(testkit.Context(t), f.Table, f.Index))(t)
	var err error
	if f.layout, _, err = phoenix.Preflight(f.Table, f.Index, rows); err != nil {
		t.Fatal(err)
	}
	return f
}

// records returns n records of the fixture's code, each with a sender of its own.
func (f *fixture) records(n int) []feed.Record {
	records := make([]feed.Record, n)
	for i := range records {
		records[i] = feed.Record{
			Update: feed.Update{Sender: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), StockCode: f.code,
				Time: 1605760851123 + int64(i)},
			Origin:           feed.Origin{Topic: "feed-updates", Partition: i % 4, Offset: int64(i)},
			ReferenceVersion: "20261123T021500Z-3f2a91c4",
		}
		if i%3 != 0 {
			price := feed.Price(782_500 - i)
			records[i].Matched, records[i].StockName, records[i].LastPrice = true, "中国平安", &price
		}
	}
	return records
}

func (f *fixture) write(t *testing.T, records ...feed.Record) {
	t.Helper()
	if err := f.client.WriteRows(testkit.Context(t), f.Table, f.Index, f.layout.Batch(records)); err != nil {
		t.Fatal(err)
	}
}

// read returns the record under a row key, and false when there is none.
func (f *fixture) read(t *testing.T, rowKey string) (feed.Record, bool) {
	t.Helper()
	rows := testkit.Must(f.client.Get(testkit.Context(t), f.Table, [][]byte{f.layout.DataKey(rowKey)}))(t)
	if len(rows[0].Cells) == 0 {
		return feed.Record{}, false
	}
	record := testkit.Must(f.layout.ParseRow(&rows[0]))(t)
	if rows[0].Timestamp != record.Time {
		t.Errorf("row %q: cell timestamp %d, event time %d", rowKey, rows[0].Timestamp, record.Time)
	}
	return record, true
}

// indexed returns the event time under each row key that the index holds for the fixture's code.
func (f *fixture) indexed(t *testing.T) map[string]int64 {
	t.Helper()
	return f.indexedSince(t, func() int64 { return 0 })
}

// indexedSince leaves out what is older, if HBase can tell.
func (f *fixture) indexedSince(t *testing.T, since func() int64) map[string]int64 {
	t.Helper()
	found := make(map[string]int64)
	err := f.client.ScanKeys(testkit.Context(t), f.Index, f.layout.IndexRanges(f.code), since, func(key []byte, timestamp int64) {
		code, rowKey, err := f.layout.ParseIndexKey(key)
		if _, twice := found[rowKey]; err != nil || code != f.code || twice {
			t.Errorf("index key %q: code %q, row key %q, seen before: %v, %v", key, code, rowKey, twice, err)
		}
		found[rowKey] = timestamp
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// expect compares table and index with the records that should be in them.
func (f *fixture) expect(t *testing.T, records ...feed.Record) {
	t.Helper()
	times := make(map[string]int64)
	for _, want := range records {
		times[want.RowKey()] = want.Time
		got, found := f.read(t, want.RowKey())
		if diff := cmp.Diff(want, got); !found || diff != "" {
			t.Errorf("row %q, found %v (-want +got):\n%s", want.RowKey(), found, diff)
		}
	}
	if diff := cmp.Diff(times, f.indexed(t)); diff != "" {
		t.Errorf("index of %s (-want +got):\n%s", f.code, diff)
	}
}

func testPreflight(t *testing.T, f *fixture) {
	fingerprint, err := f.client.Fingerprint(testkit.Context(t), f.Table, f.Index)
	if err != nil || fingerprint != f.layout.Fingerprint || strings.Contains(fingerprint, "absent") {
		t.Errorf("Fingerprint = %q, %v, want %q", fingerprint, err, f.layout.Fingerprint)
	}
	rows, err := f.client.Catalog(testkit.Context(t), "USER_TEST.ABSENT", "USER_TEST.ABSENT_INDEX")
	if err != nil || len(rows) != 0 {
		t.Errorf("Catalog of an absent table = %d rows, %v, want none", len(rows), err)
	}
}

func testMissingTable(t *testing.T, f *fixture) {
	const absent = "USER_TEST.ABSENT"
	err := f.client.WriteRows(testkit.Context(t), absent, f.Index, f.layout.Batch(f.records(2)))
	if !errors.Is(err, hbase.ErrTableNotFound) || !strings.Contains(err.Error(), absent) {
		t.Errorf("WriteRows: %v, want ErrTableNotFound that names the table", err)
	}
	_, err = f.client.Get(testkit.Context(t), absent, [][]byte{{1}})
	if !errors.Is(err, hbase.ErrTableNotFound) {
		t.Errorf("Get: %v, want ErrTableNotFound", err)
	}
	for _, err := range f.client.Scan(testkit.Context(t), absent, phoenix.Range{}) {
		if !errors.Is(err, hbase.ErrTableNotFound) {
			t.Errorf("Scan: %v, want ErrTableNotFound", err)
		}
	}
}

func testWriteAndRead(t *testing.T, f *fixture) {
	records := f.records(20)
	records[7].Sender = "贵州茅台" // bytes beyond ASCII are signed in the salt
	f.write(t, records...)
	f.expect(t, records...)
	if _, found := f.read(t, "nobody|"+f.code); found {
		t.Error("a row that was never written is found")
	}
	f.write(t)
}

func testEventTime(t *testing.T, f *fixture) {
	middle := f.records(1)[0]
	late, newest := middle, middle
	late.Time -= 40_000
	newest.Time += 40_000
	newest.Matched, newest.StockName = true, "renamed"
	for _, r := range []feed.Record{middle, late} {
		f.write(t, r)
	}
	f.expect(t, middle)
	f.write(t, newest)
	f.write(t, middle)
	f.expect(t, newest)
}

func testRepeat(t *testing.T, f *fixture) {
	records := f.records(5)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() { f.write(t, records...) })
	}
	group.Wait()
	f.expect(t, records...)
}

func testBatches(t *testing.T, f *fixture) {
	narrow := newFixture(t, f.Target, hbase.Config{BatchRows: 7, BatchBytes: 4000, InFlight: 3})
	records := narrow.records(300)
	narrow.write(t, records...)
	if got := len(narrow.indexed(t)); got != len(records) {
		t.Errorf("%d rows in the index, want %d", got, len(records))
	}
	keys := make([][]byte, len(records))
	for i := range records {
		keys[i] = narrow.layout.DataKey(records[i].RowKey())
	}
	rows := testkit.Must(narrow.client.Get(testkit.Context(t), narrow.Table, keys))(t)
	for i := range rows {
		got, err := narrow.layout.ParseRow(&rows[i])
		if diff := cmp.Diff(records[i], got); err != nil || diff != "" {
			t.Fatalf("row %d: %v (-want +got):\n%s", i, err, diff)
		}
	}
}

// testRejected relies on HBase's limit of 10 MB for one cell.
func testRejected(t *testing.T, f *fixture) {
	wide := newFixture(t, f.Target, hbase.Config{BatchBytes: 64 << 20})
	records := wide.records(40)
	const bad = 11
	records[bad].Matched, records[bad].StockName = true, strings.Repeat("x", 11<<20)
	err := wide.client.WriteRows(testkit.Context(t), wide.Table, wide.Index, wide.layout.Batch(records))
	var rejected *feed.RejectedError
	if !errors.As(err, &rejected) || errors.Is(err, hbase.ErrUnavailable) {
		t.Fatalf("WriteRows: %v, want a *feed.RejectedError", err)
	}
	if len(rejected.Rejections) != 1 || rejected.Rejections[0].Index != bad {
		t.Fatalf("rejected %+v, want row %d alone", rejected.Rejections, bad)
	}
	key := wide.layout.DataKey(records[bad].RowKey())
	told := fmt.Sprintf("row %q of table %s", key, wide.Table)
	if reason := rejected.Rejections[0].Reason; !strings.Contains(reason, told) {
		t.Errorf("reason = %q, want the row's key and its table", reason)
	}
	if len(err.Error()) > 2000 {
		t.Errorf("the error has %d bytes", len(err.Error()))
	}
	wide.expect(t, append(records[:bad:bad], records[bad+1:]...)...)
}

// testDeadConnection cuts every connection between two writes and during one, as a frozen instance
// finds them after it is thawed.
func testDeadConnection(t *testing.T, f *fixture) {
	f = newFixture(t, f.Target, hbase.Config{ReadTimeout: time.Second})
	records := f.records(30)
	for range 3 {
		f.write(t, records[:10]...)
		f.conns.cut()
		f.write(t, records[10:]...)
		f.conns.cut()
		f.expect(t, records...)
	}
	// A write that is cut off again and again at any speed need not end, the client waits longer each
	// time; one that is cut three times at any moment must.
	for pause := range 20 {
		var cuts sync.WaitGroup
		cuts.Go(func() {
			for range 3 {
				time.Sleep(time.Duration(pause) * time.Millisecond / 4) // chooses the moment, nothing waits for it
				f.conns.cut()
			}
		})
		f.write(t, records...)
		cuts.Wait()
	}
	f.expect(t, records...)
}

// testSilentConnection lets the open connections swallow what is sent, as when the other side has
// forgotten them without a word.
func testSilentConnection(t *testing.T, f *fixture) {
	hasty := newFixture(t, f.Target, hbase.Config{ReadTimeout: 200 * time.Millisecond})
	records := hasty.records(10)
	hasty.write(t, records[:5]...)
	hasty.conns.silence()
	hasty.write(t, records...)
	hasty.expect(t, records...)
}

func testScan(t *testing.T, f *fixture) {
	f.write(t, f.records(50)...)
	found := 0
	for _, r := range f.layout.IndexRanges(f.code) {
		var last string
		for row, err := range f.client.Scan(testkit.Context(t), f.Index, r) {
			if err != nil {
				t.Fatal(err)
			}
			if string(row.Key) <= last || len(row.Cells) != 1 || row.Cells[0].Qualifier != phoenix.EmptyColumn {
				t.Errorf("row %q with cells %v after %q", row.Key, row.Cells, last)
			}
			last = string(row.Key)
			found++
		}
		for range f.client.Scan(testkit.Context(t), f.Index, r) {
			break
		}
	}
	if found != 50 {
		t.Errorf("%d rows in the ranges of the code, want 50", found)
	}
}

// A range of time with no end never shows what is superseded: neither a late event nor one overtaken since,
// whether HBase has them in memory or in files.
func testScanSince(t *testing.T, f *fixture) {
	const rows, step = 3000, 1000
	records := f.records(rows)
	late, overtaken := slices.Clone(records), slices.Clone(records)
	newest := map[string]int64{}
	for i := range records {
		base := records[0].Time
		overtaken[i].Time, records[i].Time, late[i].Time = base+step, base+step+int64(i*7919%rows), base
		newest[records[i].RowKey()] = records[i].Time
	}
	f.write(t, overtaken...)
	f.write(t, records...)
	f.write(t, late...)
	for _, since := range []int64{0, 1, records[0].Time, records[0].Time + rows/2, records[0].Time + rows} {
		want := map[string]int64{}
		for key, at := range newest {
			if at >= since {
				want[key] = at
			}
		}
		if diff := cmp.Diff(want, f.indexedSince(t, func() int64 { return since })); diff != "" {
			t.Errorf("since %d (-want +got):\n%s", since, diff)
		}
	}
	risen := int64(0) // as whoever looks for the newest half would raise it
	found := map[string]int64{}
	err := f.client.ScanKeys(testkit.Context(t), f.Index, f.layout.IndexRanges(f.code), func() int64 { return risen },
		func(key []byte, timestamp int64) {
			_, rowKey, _ := f.layout.ParseIndexKey(key)
			found[rowKey], risen = timestamp, records[0].Time+rows/2
		})
	if err != nil {
		t.Fatal(err)
	}
	for key, at := range newest {
		if got, there := found[key]; at >= risen && got != at || there && got != at {
			t.Errorf("%s is found at %d, want %d", key, got, at)
		}
	}
}

func testDeadline(t *testing.T, f *fixture) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	err := f.client.WriteRows(ctx, f.Table, f.Index, f.layout.Batch(f.records(3)))
	for _, says := range []string{"write data rows", f.Table, f.ZooKeeper, "3 of 3", "may have been applied"} {
		if !errors.Is(err, hbase.ErrUnavailable) || !strings.Contains(err.Error(), says) {
			t.Errorf("WriteRows: %v, want ErrUnavailable that says %q", err, says)
		}
	}
}
