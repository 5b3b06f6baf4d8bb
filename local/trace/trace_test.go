package trace

import (
	"testing"

	"feedstream/shared/feed"
	"feedstream/shared/phoenix"
	"feedstream/shared/testkit"
)

// What a row reads as is the record that it was written for, column by column, and SQL finds it.
func TestRow(t *testing.T) {
	layout := &phoenix.Layout{Table: "other.quote", Index: "other.by_code", SaltBuckets: 16, IndexSaltBuckets: 16}
	price := testkit.Must(feed.ParsePrice("78.25"))(t)
	record := feed.Record{
		Update: feed.Update{Sender: "it's", StockCode: "2318.HK", Time: 1605760851123}, Origin: feed.Origin{Topic: "in", Partition: 3, Offset: 25},
		Matched: true, StockName: "Ping An", LastPrice: &price, ReferenceVersion: "v",
	}
	put := layout.Row(&record).Data
	row := rowOf(layout, record.RowKey(), &phoenix.Stored{Key: put.Key, Timestamp: put.Timestamp, Cells: put.Cells})
	want := map[string]string{
		"STOCK_CODE": "2318.HK", "STOCK_NAME": "Ping An", "LAST_PRICE": "78.25", "TIMESTAMP": "2020-11-19T04:40:51.123Z", "MATCHED": "true",
		"REFERENCE_VERSION": "v", "SOURCE_TOPIC": "in", "SOURCE_PARTITION": "3", "SOURCE_OFFSET": "25", phoenix.EmptyColumn: "Phoenix's own cell of every row",
	}
	if len(row.Cells) != len(want) || row.Problem != "" {
		t.Errorf("row = %+v", row)
	}
	for _, cell := range row.Cells {
		if cell.Decoded != want[cell.Column] {
			t.Errorf("%s reads as %q, want %q", cell.Column, cell.Decoded, want[cell.Column])
		}
	}
	if sql := `SELECT * FROM "other"."quote" WHERE ROWKEY = 'it''s|2318.HK'`; row.SQL != sql {
		t.Errorf("SQL = %s, want %s", row.SQL, sql)
	}
}

// A row that SQL has written in part is shown with what is wrong with it.
func TestARowThatIsNoRecords(t *testing.T) {
	layout := &phoenix.Layout{Table: "USER_TEST.STOCK", SaltBuckets: 16}
	row := rowOf(layout, "a|b", &phoenix.Stored{Key: layout.DataKey("a|b"), Cells: []phoenix.Cell{{Qualifier: "STOCK_NAME", Value: []byte("x")}, {Qualifier: "OTHER"}}})
	if row.Problem == "" || row.Record != nil || row.Cells[0].Decoded != "?" || row.Cells[1].Decoded != "NULL" {
		t.Errorf("row = %+v", row)
	}
}
