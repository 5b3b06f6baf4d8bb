//go:build real

package real

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"feedstream/shared/feed"
	"feedstream/shared/hbase"
	"feedstream/shared/phoenix"
)

// judge compares what Phoenix reads with what was written.
type judge struct {
	*Client
	client *hbase.Client
	layout phoenix.Layout
	want   map[string]feed.Record // by row key
	pool   endedPool

	// patience is how long a read that answers another number of rows than there ought to be is repeated; 0 is not at
	// all. Right after regions were moved and split, on a busy machine, a read of Phoenix has been seen to lack a row that
	// the next one had.
	patience time.Duration
	repeated int // reads for that reason
}

func newJudge(t *testing.T, c *Client) *judge {
	j := &judge{Client: c, want: map[string]feed.Record{}}
	t.Cleanup(func() {
		t.Logf("%d queries met Phoenix's ended thread pool (PHOENIX-7670) and were repeated", j.pool.met)
		if j.patience > 0 {
			t.Logf("%d reads had another number of rows than there ought to be and were repeated", j.repeated)
		}
	})
	return j
}

func (j *judge) query(t *testing.T, statement string) [][]string {
	t.Helper()
	var rows [][]string
	err := j.pool.repeat(func() (err error) {
		rows, err = j.SQL.Query(statement)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// read runs a query that ought to answer these rows, and again, within the judge's patience, for as long as their
// number is another: that of the rows, or the one that is counted.
func (j *judge) read(t *testing.T, want [][]string, statement string) [][]string {
	t.Helper()
	for deadline := time.Now().Add(j.patience); ; time.Sleep(100 * time.Millisecond) {
		got := j.query(t, statement)
		counts := strings.Contains(statement, "COUNT(*)")
		if len(got) == len(want) && (!counts || cmp.Equal(want, got)) || !time.Now().Before(deadline) {
			return got
		}
		j.repeated++
		t.Logf("%d rows, want %d: %.200s", len(got), len(want), statement)
	}
}

func (j *judge) open(t *testing.T) {
	t.Helper()
	client, err := hbase.New(hbase.Config{ZooKeeper: j.ZooKeeper, Timeout: 2 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	rows, err := client.Catalog(t.Context(), table, index)
	if err != nil {
		t.Fatal(err)
	}
	layout, warnings, err := phoenix.Preflight(table, index, rows)
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	j.client, j.layout = client, layout
}

// events are updates of up to 30 days ago, some unmatched, some without a price.
func events(n int, seed uint64) []feed.Record {
	random := rand.New(rand.NewPCG(seed, 0))
	now := time.Now().UnixMilli()
	records := make([]feed.Record, n)
	for i := range records {
		r := feed.Record{
			Update: feed.Update{
				Sender: fmt.Sprintf("192.168.2.%d", random.IntN(60)), StockCode: fmt.Sprintf("%04d.HK", 2310+random.IntN(10)),
				Time: now - random.Int64N(30*24*3600*1000),
			},
			Origin:           feed.Origin{Topic: "feed-updates", Partition: i % 4, Offset: int64(i)},
			ReferenceVersion: fmt.Sprintf("v%d", random.IntN(3)),
		}
		if random.IntN(4) > 0 {
			r.Matched, r.StockName = true, []string{"Ping An", "中国平安", "NetEase"}[random.IntN(3)]
			if random.IntN(5) > 0 {
				price := feed.Price(random.Int64N(9_999_999_999))
				r.LastPrice = &price
			}
		}
		records[i] = r
	}
	return records
}

// write sends records in pushes of 100, each twice, in the order given.
func (j *judge) write(t *testing.T, records []feed.Record) {
	t.Helper()
	for push := range slices.Chunk(records, 100) {
		newest := j.newest(push)
		for _, r := range newest {
			if old, ok := j.want[r.RowKey()]; !ok || r.Time >= old.Time {
				j.want[r.RowKey()] = r
			}
		}
		rows := j.layout.Batch(newest)
		for range 2 {
			if err := j.client.WriteRows(t.Context(), table, index, rows); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// newest merges the records of one push by row key.
func (j *judge) newest(records []feed.Record) []feed.Record {
	newest := map[string]feed.Record{}
	for _, r := range records {
		if old, ok := newest[r.RowKey()]; !ok || r.Supersedes(&old) {
			newest[r.RowKey()] = r
		}
	}
	return slices.Collect(maps.Values(newest))
}

const columns = `ROWKEY, STOCK_CODE, STOCK_NAME, LAST_PRICE, "TIMESTAMP", MATCHED, REFERENCE_VERSION, SOURCE_TOPIC, SOURCE_PARTITION, SOURCE_OFFSET`

func line(r feed.Record) []string {
	name, price := "null", "null"
	if r.Matched {
		name = r.StockName
	}
	if r.LastPrice != nil {
		price = r.LastPrice.String()
	}
	return []string{r.RowKey(), r.StockCode, name, price, fmt.Sprint(r.Time), fmt.Sprint(r.Matched), r.ReferenceVersion,
		r.Origin.Topic, fmt.Sprint(r.Origin.Partition), fmt.Sprint(r.Origin.Offset)}
}

// expected are the wanted rows that fulfil a condition, by row key.
func (j *judge) expected(keep func(feed.Record) bool) [][]string {
	var lines [][]string
	for _, key := range slices.Sorted(maps.Keys(j.want)) {
		if keep(j.want[key]) {
			lines = append(lines, line(j.want[key]))
		}
	}
	return lines
}

// agrees asks every question of an analyst, through the table and through the index.
func (j *judge) agrees(t *testing.T) {
	t.Helper()
	all := func(feed.Record) bool { return true }
	ask := func(what string, want [][]string, statement string) [][]string {
		t.Helper()
		got := j.read(t, want, statement)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +SQL):\n%.3000s", what, diff)
		}
		return got
	}
	ask("the table", j.expected(all), "SELECT /*+ NO_INDEX */ "+columns+" FROM "+table+" ORDER BY ROWKEY")
	codes := map[string]int{}
	for _, r := range j.want {
		codes[r.StockCode]++
	}
	var groups [][]string
	checked := 0
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		groups = append(groups, []string{code, fmt.Sprint(codes[code])})
		want := j.expected(func(r feed.Record) bool { return r.StockCode == code })
		for range 2 { // a read through the index may repair it: the second must agree as well
			checked += len(ask("by code "+code, want, "SELECT "+columns+" FROM "+table+" WHERE STOCK_CODE = '"+code+"' ORDER BY ROWKEY"))
		}
	}
	plan := j.query(t, "EXPLAIN SELECT "+columns+" FROM "+table+" WHERE STOCK_CODE = '2318.HK'")
	if !strings.Contains(fmt.Sprint(plan), "STOCK_CODE_INDEX") {
		t.Errorf("the plan does not use the index: %v", plan)
	}
	ask("GROUP BY", groups, "SELECT STOCK_CODE, COUNT(*) FROM "+table+" GROUP BY STOCK_CODE ORDER BY STOCK_CODE")
	total := [][]string{{fmt.Sprint(len(j.want))}}
	ask("COUNT through the table", total, "SELECT /*+ NO_INDEX */ COUNT(*) FROM "+table)
	ask("COUNT of the index", total, "SELECT COUNT(*) FROM "+index)
	ask("IS NULL", j.expected(func(r feed.Record) bool { return r.LastPrice == nil }),
		"SELECT "+columns+" FROM "+table+" WHERE LAST_PRICE IS NULL ORDER BY ROWKEY")
	for key, r := range j.want {
		ask("by primary key", [][]string{line(r)}, "SELECT "+columns+" FROM "+table+" WHERE ROWKEY = '"+key+"'")
		break
	}
	t.Logf("%d rows through the table, %d through the index agree with what was written", len(j.want), checked)
}

// settle takes as wanted, of several equally new candidates of a row, the one that the table holds.
func (j *judge) settle(t *testing.T, candidates map[string][]feed.Record) {
	t.Helper()
	keys := map[string]bool{}
	for key := range j.want {
		keys[key] = true
	}
	for key := range candidates {
		keys[key] = true
	}
	found := map[string][]string{}
	for _, row := range j.read(t, make([][]string, len(keys)), "SELECT /*+ NO_INDEX */ "+columns+" FROM "+table) {
		found[row[0]] = row
	}
	for key, all := range candidates {
		if all[0].Time < j.want[key].Time {
			continue // the row holds a newer event from before
		}
		j.want[key] = all[0]
		for _, r := range all {
			if slices.Equal(line(r), found[key]) {
				j.want[key] = r
			}
		}
	}
}
