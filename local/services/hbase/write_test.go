package hbase

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tsuna/gohbase/hrpc"
)

func TestBatchOfManyRegionsIsReadBack(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t, Options{}).ZooKeeperAddr())
	var puts []*hrpc.Mutate
	for i := range 1000 {
		puts = append(puts, put(t, stock, fmt.Sprintf("%c%05d", i%16, i), 100, row{"_0": "x", "A": fmt.Sprint(i), "EMPTY": ""}))
	}
	batch(t, c, puts)
	for _, i := range []int{0, 1, 500, 999} {
		want := []string{fmt.Sprintf("A@100=%d", i), "EMPTY@100=", "_0@100=x"}
		if diff := cmp.Diff(want, get(t, c, stock, fmt.Sprintf("%c%05d", i%16, i))); diff != "" {
			t.Error(diff)
		}
	}
	if n := len(scan(t, c, stock, "", "")); n != 1000 {
		t.Errorf("scan found %d rows, want 1000", n)
	}
	if n := len(scan(t, c, stock, "\x0f\xff", "", hrpc.Reversed())); n != 1000 {
		t.Errorf("reversed scan found %d rows, want 1000", n)
	}
}

func TestBatchOfGetsAndMissingRows(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t, Options{}).ZooKeeperAddr())
	mustPut(t, c, stock, "\x01a", 1, row{"A": "1", "B": "2"})
	mustPut(t, c, stock, "\x0fb", 1, row{"A": "3"})
	var calls []hrpc.Call
	for _, key := range []string{"\x01a", "\x05none", "\x0fb"} {
		g, err := hrpc.NewGetStr(deadline(t), stock, key)
		if err != nil {
			t.Fatal(err)
		}
		calls = append(calls, g)
	}
	calls = append(calls, put(t, stock, "\x02c", 1, row{"A": "4"}))
	results, ok := c.SendBatch(deadline(t), calls)
	if !ok {
		t.Fatal(results)
	}
	if diff := cmp.Diff([]string{"\x02c: [A@1=4]"}, scan(t, c, stock, "\x02", "\x03")); diff != "" {
		t.Error(diff)
	}
}

// TestNewestTimestampWins is what the feed rests on: order of arrival does not matter, the event's time does.
func TestNewestTimestampWins(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t, Options{}).ZooKeeperAddr())
	mustPut(t, c, stock, "\x01r", 200, row{"A": "new"})
	mustPut(t, c, stock, "\x01r", 100, row{"A": "late", "B": "only late"})
	if diff := cmp.Diff([]string{"A@200=new", "B@100=only late"}, get(t, c, stock, "\x01r")); diff != "" {
		t.Error(diff)
	}
	mustPut(t, c, stock, "\x01r", 200, row{"A": "same time, later write"})
	if diff := cmp.Diff([]string{"A@200=same time, later write", "B@100=only late"}, get(t, c, stock, "\x01r")); diff != "" {
		t.Error(diff)
	}
	batch(t, c, []*hrpc.Mutate{
		put(t, stock, "\x01r", 300, row{"A": "first of a batch"}), put(t, stock, "\x01r", 300, row{"A": "last of a batch"}),
	})
	if diff := cmp.Diff([]string{"A@300=last of a batch", "B@100=only late"}, get(t, c, stock, "\x01r")); diff != "" {
		t.Error(diff)
	}
}

func TestServerGivesItsTimeWhenTheClientGivesNone(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t, Options{}).ZooKeeperAddr())
	before := time.Now().UnixMilli()
	mustPut(t, c, stock, "\x01r", 0, row{"A": "1"})
	g, err := hrpc.NewGetStr(deadline(t), stock, "\x01r")
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Get(g)
	if err != nil {
		t.Fatal(err)
	}
	if at := int64(*r.Cells[0].Timestamp); at < before || at > time.Now().UnixMilli() {
		t.Errorf("timestamp %d is not between %d and now", at, before)
	}
}

func TestDeletes(t *testing.T) {
	t.Parallel()
	tables := append(mustDefaults(t), Table{Name: "versioned", Families: []Family{{Name: "0", Versions: 3}, {Name: "1"}}})
	c := connect(t, start(t, Options{Tables: tables}).ZooKeeperAddr())
	column := map[string]map[string][]byte{"0": {"A": nil}}
	at := hrpc.TimestampUint64
	tests := []struct {
		name    string
		values  map[string]map[string][]byte
		options []func(hrpc.Call) error
		want    []string // all versions left of A and B at 10, 20, 30 in family 0 and C at 10 in family 1
	}{
		{"whole row", nil, nil, nil},
		{"row up to a time", nil, []func(hrpc.Call) error{at(20)}, []string{"A@30=30", "B@30=30"}},
		{"family", map[string]map[string][]byte{"0": nil}, nil, []string{"C@10=c"}},
		{"family at one time", map[string]map[string][]byte{"0": nil}, []func(hrpc.Call) error{at(20), hrpc.DeleteOneVersion()},
			[]string{"A@30=30", "A@10=10", "B@30=30", "B@10=10", "C@10=c"}},
		{"column", column, nil, []string{"B@30=30", "B@20=20", "B@10=10", "C@10=c"}},
		{"column up to a time", column, []func(hrpc.Call) error{at(20)},
			[]string{"A@30=30", "B@30=30", "B@20=20", "B@10=10", "C@10=c"}},
		{"newest version", column, []func(hrpc.Call) error{hrpc.DeleteOneVersion()},
			[]string{"A@20=20", "A@10=10", "B@30=30", "B@20=20", "B@10=10", "C@10=c"}},
		{"one version", column, []func(hrpc.Call) error{at(20), hrpc.DeleteOneVersion()},
			[]string{"A@30=30", "A@10=10", "B@30=30", "B@20=20", "B@10=10", "C@10=c"}},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			key := fmt.Sprint("row", i)
			for _, timestamp := range []uint64{20, 10, 30} {
				mustPut(t, c, "versioned", key, timestamp, row{"A": fmt.Sprint(timestamp), "B": fmt.Sprint(timestamp)})
			}
			values := map[string]map[string][]byte{"1": {"C": []byte("c")}}
			other, err := hrpc.NewPutStr(deadline(t), "versioned", key, values, at(10))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Put(other); err != nil {
				t.Fatal(err)
			}
			d, err := hrpc.NewDelStr(deadline(t), "versioned", key, test.values, test.options...)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Delete(d); err != nil {
				t.Fatal(err)
			}
			got := get(t, c, "versioned", key, hrpc.MaxVersions(3))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTombstoneHidesALaterWriteOfItsTime(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t, Options{}).ZooKeeperAddr())
	d, err := hrpc.NewDelStr(deadline(t), stock, "\x01r", nil, hrpc.TimestampUint64(50))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Delete(d); err != nil {
		t.Fatal(err)
	}
	mustPut(t, c, stock, "\x01r", 50, row{"A": "hidden"})
	mustPut(t, c, stock, "\x01r", 51, row{"B": "shown"})
	if diff := cmp.Diff([]string{"B@51=shown"}, get(t, c, stock, "\x01r")); diff != "" {
		t.Error(diff)
	}
}

func TestRefusalsNameWhatIsRefused(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t, Options{}).ZooKeeperAddr())
	ctx := deadline(t)
	values := map[string]map[string][]byte{"0": {"A": []byte("12345678")}}
	must := func(m *hrpc.Mutate, err error) *hrpc.Mutate {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	key := "\x01r"
	tests := []struct {
		want string
		run  func() error
	}{
		{"mutation APPEND", func() error { _, err := c.Append(must(hrpc.NewAppStr(ctx, stock, key, values))); return err }},
		{"mutation INCREMENT", func() error { _, err := c.Increment(must(hrpc.NewIncStr(ctx, stock, key, values))); return err }},
		{"checkAndMutate", func() error {
			_, err := c.CheckAndPut(must(hrpc.NewPutStr(ctx, stock, key, values)), "0", "A", nil)
			return err
		}},
		{"attribute _ttl", func() error {
			_, err := c.Put(must(hrpc.NewPutStr(ctx, stock, key, values, hrpc.TTL(time.Hour))))
			return err
		}},
		{"NoSuchColumnFamilyException: column family x does not exist in table " + stock, func() error {
			_, err := c.Put(must(hrpc.NewPutStr(ctx, stock, key, map[string]map[string][]byte{"x": {"A": nil}})))
			return err
		}},
		{"over the limit of 10485760", func() error {
			_, err := c.Put(put(t, stock, key, 1, row{"A": strings.Repeat("x", maxCellBytes)}))
			return err
		}},
		{"a row key of 40000 bytes is not between 1 and 32767", func() error {
			_, err := c.Put(put(t, stock, strings.Repeat("\x01", 40000), 1, row{"A": "x"}))
			return err
		}},
		{"scan.attribute", func() error {
			s, err := hrpc.NewScanStr(ctx, stock, hrpc.Attribute("scan.attribute", nil))
			if err != nil {
				return err
			}
			_, err = c.Scan(s).Next()
			return err
		}},
	}
	for _, test := range tests {
		t.Run(test.want, func(t *testing.T) {
			wantError(t, test.run(), test.want)
		})
	}
}

func TestConcurrentClients(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	var running sync.WaitGroup
	for n := range 8 {
		c := connect(t, s.ZooKeeperAddr())
		running.Go(func() {
			for round := range 10 {
				var calls []hrpc.Call
				for i := range 100 {
					m, err := hrpc.NewPutStr(context.Background(), stock, fmt.Sprintf("%c%d-%d-%d", i%16, n, round, i),
						map[string]map[string][]byte{"0": {"A": []byte("1")}})
					if err != nil {
						t.Error(err)
						return
					}
					calls = append(calls, m)
				}
				if _, ok := c.SendBatch(deadline(t), calls); !ok {
					t.Error("batch failed")
				}
			}
		})
	}
	running.Wait()
	if n := len(scan(t, connect(t, s.ZooKeeperAddr()), stock, "", "")); n != 8000 {
		t.Errorf("%d rows, want 8000", n)
	}
}

func mustDefaults(t testing.TB) []Table {
	t.Helper()
	tables, err := DefaultTables()
	if err != nil {
		t.Fatal(err)
	}
	return tables
}
