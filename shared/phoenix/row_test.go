package phoenix

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"feedstream/shared/feed"
	"feedstream/shared/testkit"
)

var testLayout = Layout{Table: "USER_TEST.STOCK", Index: "USER_TEST.STOCK_CODE_INDEX",
	SaltBuckets: 16, IndexSaltBuckets: 7, Uncovered: true}

func drawRecord(t *rapid.T) feed.Record {
	r := feed.Record{
		Update: feed.Update{
			Sender:    rapid.StringMatching(`[^|\x00-\x1f\x7f-\x9f]{1,20}`).Draw(t, "sender"),
			StockCode: rapid.StringMatching(`[0-9A-Za-z._-]{1,32}`).Draw(t, "code"),
			Time:      rapid.Int64Range(feed.MinTime, 4e12).Draw(t, "time"),
		},
		Origin: feed.Origin{
			Topic:     rapid.StringMatching(`[a-z]{1,10}`).Draw(t, "topic"),
			Partition: rapid.IntRange(0, 1<<31-1).Draw(t, "partition"),
			Offset:    rapid.Int64Range(0, 1<<62).Draw(t, "offset"),
		},
		Matched:          rapid.Bool().Draw(t, "matched"),
		ReferenceVersion: rapid.StringMatching(`[0-9TZa-f-]{0,25}`).Draw(t, "version"),
	}
	if r.Matched {
		r.StockName = rapid.String().Draw(t, "name")
	}
	if r.Matched && rapid.Bool().Draw(t, "priced") {
		price := drawPrice(t, "price")
		r.LastPrice = &price
	}
	return r
}

// TestRowsRoundTrip: every record is read back as it was, whatever stands beside it in its batch, and
// its index row leads to it.
func TestRowsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(rapid.Custom(drawRecord), 1, 5).Draw(t, "records")
		for i, row := range testLayout.Rows(records) {
			want := records[i]
			if diff := cmp.Diff(testLayout.Row(&want), row); diff != "" {
				t.Fatalf("alone and in a batch (-alone +batch):\n%s", diff)
			}
			stored := Stored(row.Data)
			got, err := testLayout.ParseRow(&stored)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Fatalf("ParseRow: %v (-want +got):\n%s", err, diff)
			}
			if !bytes.Equal(row.Data.Key, testLayout.DataKey(want.RowKey())) {
				t.Fatalf("key %x, DataKey gives %x", row.Data.Key, testLayout.DataKey(want.RowKey()))
			}
			checkIndexRow(t, want, row)
		}
	})
}

func checkIndexRow(t *rapid.T, want feed.Record, row Row) {
	if row.Index.Timestamp != row.Data.Timestamp || row.Data.Timestamp != want.Time {
		t.Fatalf("timestamps %d and %d, want %d", row.Data.Timestamp, row.Index.Timestamp, want.Time)
	}
	code, rowKey, err := testLayout.ParseIndexKey(row.Index.Key)
	if err != nil || code != want.StockCode || rowKey != want.RowKey() {
		t.Fatalf("ParseIndexKey = %q, %q, %v", code, rowKey, err)
	}
	if !bytes.Equal(row.Index.Key, testLayout.indexKey(code, rowKey)) {
		t.Fatalf("index key %x, indexKey gives %x", row.Index.Key, testLayout.indexKey(code, rowKey))
	}
	hits := 0
	for _, r := range testLayout.IndexRanges(want.StockCode) {
		if bytes.Compare(row.Index.Key, r.Start) >= 0 && bytes.Compare(row.Index.Key, r.Stop) < 0 {
			hits++
		}
	}
	if hits != 1 {
		t.Fatalf("the index row lies in %d of the code's ranges, want 1", hits)
	}
	longer := testLayout.indexKey(want.StockCode+"0", rowKey)
	for _, r := range testLayout.IndexRanges(want.StockCode) {
		if bytes.Compare(longer, r.Start) >= 0 && bytes.Compare(longer, r.Stop) < 0 {
			t.Fatalf("the ranges of %q hold a row of the longer code", want.StockCode)
		}
	}
}

func TestRowsOfNothing(t *testing.T) {
	if rows := testLayout.Rows(nil); len(rows) != 0 {
		t.Errorf("Rows(nil) = %v", rows)
	}
}

// storedRow is a row as the product writes it, with some cells replaced; a nil value takes the cell away.
func storedRow(changes map[string][]byte) *Stored {
	price := feed.Price(782_500)
	row := testLayout.Row(&feed.Record{
		Update:  feed.Update{Sender: "192.168.2.17", StockCode: "2318.HK", Time: 1605760851123},
		Origin:  feed.Origin{Topic: "feed-updates", Partition: 3, Offset: 25},
		Matched: true, StockName: "Ping An Insurance", LastPrice: &price, ReferenceVersion: "v1",
	})
	stored := Stored{Key: row.Data.Key, Timestamp: row.Data.Timestamp}
	for _, c := range row.Data.Cells {
		value, changed := changes[c.Qualifier]
		if !changed {
			value = c.Value
		}
		if value != nil {
			stored.Cells = append(stored.Cells, Cell{Qualifier: c.Qualifier, Value: value})
		}
	}
	return &stored
}

// TestParseRowOfSQL: rows that SQL has touched have null and missing columns.
func TestParseRowOfSQL(t *testing.T) {
	null := []byte{}
	row := storedRow(map[string][]byte{"MATCHED": nil, "STOCK_NAME": null, "LAST_PRICE": null, "SOURCE_TOPIC": nil,
		"SOURCE_PARTITION": null, "SOURCE_OFFSET": nil, "REFERENCE_VERSION": nil,
		colTimestamp: {0x80, 0, 0x01, 0x8c, 0xc7, 0xca, 0xb6, 0x3b, 0, 0x06, 0xf8, 0x55}})
	row.Cells = append(row.Cells, Cell{Qualifier: "ADDED_LATER", Value: []byte{1, 2, 3}})
	got, err := testLayout.ParseRow(row)
	want := feed.Record{Update: feed.Update{Sender: "192.168.2.17", StockCode: "2318.HK", Time: 1704159000123}}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Errorf("ParseRow: %v (-want +got):\n%s", err, diff)
	}
}

func TestParseRowRefuses(t *testing.T) {
	withKey := func(key string) *Stored {
		row := storedRow(nil)
		row.Key = testLayout.DataKey(key)
		return row
	}
	salted := storedRow(nil)
	salted.Key[0] ^= 1
	for name, tc := range map[string]struct {
		row  *Stored
		says string
	}{
		"empty key":           {&Stored{}, "too short"},
		"wrong salt":          {salted, "salt"},
		"key not UTF-8":       {withKey("\xff|A"), "UTF-8"},
		"no separator":        {withKey("2318.HK"), "<sender>|<stock code>"},
		"two separators":      {withKey("a|b|2318.HK"), "<sender>|<stock code>"},
		"no sender":           {withKey("|2318.HK"), "<sender>|<stock code>"},
		"no stock code":       {withKey("192.168.2.17|"), "<sender>|<stock code>"},
		"other stock code":    {storedRow(map[string][]byte{colStockCode: []byte("AAPL")}), colStockCode},
		"null stock code":     {storedRow(map[string][]byte{colStockCode: {}}), colStockCode},
		"null timestamp":      {storedRow(map[string][]byte{colTimestamp: {}}), colTimestamp},
		"no timestamp":        {storedRow(map[string][]byte{colTimestamp: nil}), colTimestamp},
		"timestamp as BIGINT": {storedRow(map[string][]byte{colTimestamp: AppendBigint(nil, 1)}), colTimestamp},
		"price as text":       {storedRow(map[string][]byte{"LAST_PRICE": []byte("78.25")}), "LAST_PRICE"},
		"price too fine":      {storedRow(map[string][]byte{"LAST_PRICE": writeDecimal(nil, "1.00001")}), "LAST_PRICE"},
		"matched 2":           {storedRow(map[string][]byte{"MATCHED": {2}}), "MATCHED"},
		"name not UTF-8":      {storedRow(map[string][]byte{"STOCK_NAME": {0xff}}), "STOCK_NAME"},
		"partition as BIGINT": {storedRow(map[string][]byte{"SOURCE_PARTITION": AppendBigint(nil, 1)}), "SOURCE_PARTITION"},
		"offset as INTEGER":   {storedRow(map[string][]byte{"SOURCE_OFFSET": AppendInteger(nil, 1)}), "SOURCE_OFFSET"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := testLayout.ParseRow(tc.row)
			testkit.WantError(t, err, tc.says)
		})
	}
}

func TestParseIndexKeyRefuses(t *testing.T) {
	valid := testLayout.indexKey("2318.HK", "192.168.2.17|2318.HK")
	salted := bytes.Clone(valid)
	salted[0] ^= 1
	for _, key := range [][]byte{nil, {3}, salted, valid[:9], []byte("\x00no separator"),
		testLayout.indexKey("a", "b\x00c"), testLayout.indexKey("\xff", "b")} {
		if code, rowKey, err := testLayout.ParseIndexKey(key); err == nil {
			t.Errorf("ParseIndexKey(%q) = %q, %q, want an error", key, code, rowKey)
		}
	}
}

// FuzzParseRow: whatever is stored, reading it answers or refuses, and what it answers is written
// back as a row that reads the same.
func FuzzParseRow(f *testing.F) {
	row := storedRow(nil)
	for _, c := range row.Cells {
		f.Add(row.Key, c.Qualifier, c.Value)
	}
	f.Add(row.Key, colTimestamp, []byte{})
	f.Fuzz(func(t *testing.T, key []byte, qualifier string, value []byte) {
		stored := storedRow(map[string][]byte{qualifier: value})
		stored.Key = key
		if len(key) > 0 && len(value)%2 == 0 {
			stored.Key = testLayout.DataKey(string(key)) // else the salt would stop nearly all
		}
		r, err := testLayout.ParseRow(stored)
		if err != nil {
			return
		}
		written := Stored(testLayout.Row(&r).Data)
		again, err := testLayout.ParseRow(&written)
		if diff := cmp.Diff(r, again); err != nil || diff != "" {
			t.Errorf("read, written and read: %v (-first +second):\n%s", err, diff)
		}
	})
}

// FuzzParseIndexKey: an accepted key is the one its parts make.
func FuzzParseIndexKey(f *testing.F) {
	f.Add(testLayout.indexKey("2318.HK", "192.168.2.17|2318.HK"))
	f.Add(testLayout.indexKey("", "贵州茅台"))
	f.Fuzz(func(t *testing.T, key []byte) {
		code, rowKey, err := testLayout.ParseIndexKey(key)
		if err == nil && !bytes.Equal(testLayout.indexKey(code, rowKey), key) {
			t.Errorf("%x reads as %q, %q", key, code, rowKey)
		}
	})
}

func benchmarkRecords(n int) []feed.Record {
	records := make([]feed.Record, n)
	for i := range records {
		price := feed.Price(782_500 + i)
		records[i] = feed.Record{
			Update:  feed.Update{Sender: fmt.Sprintf("192.168.2.%d", i%256), StockCode: fmt.Sprintf("%04d.HK", i%30), Time: 1605760851123},
			Origin:  feed.Origin{Topic: "feed-updates", Partition: i % 4, Offset: int64(i)},
			Matched: true, StockName: "Ping An Insurance", LastPrice: &price, ReferenceVersion: "20261123T021500Z-3f2a91c4",
		}
	}
	return records
}

// BenchmarkRow: one record in a batch of 1,000.
func BenchmarkRow(b *testing.B) {
	records := benchmarkRecords(1000)
	b.ReportAllocs()
	for i := 0; i < b.N; i += len(records) {
		testLayout.Rows(records[:min(len(records), b.N-i)])
	}
}

func BenchmarkParseRow(b *testing.B) {
	row := storedRow(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := testLayout.ParseRow(row); err != nil {
			b.Fatal(err)
		}
	}
}
