package phoenix

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/apd/v3"
	"github.com/google/go-cmp/cmp"

	"feedstream/shared/feed"
)

func readJSON(t testing.TB, name string, v any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// codec writes a value given as the golden file spells it, and reads it back in a spelling that is
// equal for equal values.
type codec struct {
	write func(string) ([]byte, error)
	read  func([]byte) (any, error)
	parse func(string) (any, error)
}

func newCodec[T any](parse func(string) (T, error), write func([]byte, T) []byte, read func([]byte) (T, error)) codec {
	return codec{
		write: func(s string) ([]byte, error) {
			v, err := parse(s)
			return write(nil, v), err
		},
		read:  func(b []byte) (any, error) { return read(b) },
		parse: func(s string) (any, error) { return parse(s) },
	}
}

func parseInt[T int8 | int16 | int32 | int64](bits int) func(string) (T, error) {
	return func(s string) (T, error) {
		v, err := strconv.ParseInt(s, 10, bits)
		return T(v), err
	}
}

func parseTime(s string) (time.Time, error) { return time.Parse(time.RFC3339Nano, s) }

// parseDecimal returns the reduced text, so that equal numbers compare as equal.
func parseDecimal(s string) (string, error) {
	v, _, err := apd.NewFromString(s)
	if err != nil {
		return "", err
	}
	v.Reduce(v)
	return v.String(), nil
}

func writeDecimal(dst []byte, s string) []byte {
	v, _, err := apd.NewFromString(s)
	if err != nil {
		panic(err)
	}
	dst, err = appendDecimal(dst, v)
	if err != nil {
		panic(err)
	}
	return dst
}

func readDecimal(b []byte) (string, error) {
	v, err := decodeDecimal(b)
	if err != nil {
		return "", err
	}
	return v.String(), nil
}

var codecs = map[string]codec{
	"VARCHAR":   newCodec(func(s string) (string, error) { return s, nil }, AppendVarchar, DecodeVarchar),
	"DECIMAL":   newCodec(parseDecimal, writeDecimal, readDecimal),
	"TIMESTAMP": newCodec(parseTime, appendTimestamp, decodeTimestamp),
	"BOOLEAN":   newCodec(strconv.ParseBool, AppendBoolean, DecodeBoolean),
	"INTEGER":   newCodec(parseInt[int32](32), AppendInteger, DecodeInteger),
	"BIGINT":    newCodec(parseInt[int64](64), AppendBigint, DecodeBigint),
	"DATE":      newCodec(parseInt[int64](64), AppendBigint, DecodeBigint),
	"SMALLINT":  newCodec(parseInt[int16](16), appendSmallint, DecodeSmallint),
	"TINYINT":   newCodec(parseInt[int8](8), appendTinyint, DecodeTinyint),
	"DOUBLE": newCodec(func(s string) (float64, error) { return strconv.ParseFloat(s, 64) },
		appendDouble, decodeDouble),
}

// TestGoldenTypes writes every golden value byte for byte and reads it back.
func TestGoldenTypes(t *testing.T) {
	var values []struct{ Type, Value, Hex string }
	readJSON(t, "types.json", &values)
	if len(values) != 107 {
		t.Errorf("types.json has %d values, want 107", len(values))
	}
	for _, v := range values {
		c, known := codecs[v.Type]
		if !known {
			t.Errorf("no codec for %s", v.Type)
			continue
		}
		got, err := c.write(v.Value)
		if err != nil || hex.EncodeToString(got) != v.Hex {
			t.Errorf("write %s %q = %x, %v, want %s", v.Type, v.Value, got, err, v.Hex)
		}
		want, err := c.parse(v.Value)
		if err != nil {
			t.Fatal(err)
		}
		back, err := c.read(unhex(t, v.Hex))
		if err != nil || !same(back, want) {
			t.Errorf("read %s %s = %v, %v, want %v", v.Type, v.Hex, back, err, want)
		}
		if v.Type == "DECIMAL" {
			checkGoldenPrice(t, v.Value, v.Hex)
		}
	}
}

// same tells -0.0 from 0.0 and takes NaN for NaN.
func same(a, b any) bool {
	x, isFloat := a.(float64)
	if !isFloat {
		return cmp.Equal(a, b)
	}
	return hex.EncodeToString(appendDouble(nil, x)) == hex.EncodeToString(appendDouble(nil, b.(float64)))
}

func checkGoldenPrice(t *testing.T, text, want string) {
	t.Helper()
	price, err := feed.ParsePrice(text)
	if err != nil {
		return // more digits than a price has
	}
	if got := hex.EncodeToString(AppendPrice(nil, price)); got != want {
		t.Errorf("AppendPrice(%s) = %s, want %s", text, got, want)
	}
	if got, err := DecodePrice(unhex(t, want)); err != nil || got != price {
		t.Errorf("DecodePrice(%s) = %s, %v, want %s", want, got, err, price)
	}
}

// sqlRow is a row as it was given to SQL; nil is NULL.
type sqlRow map[string]any

func (r sqlRow) text(column string) string {
	switch v := r[column].(type) {
	case nil:
		return ""
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	default:
		return v.(string)
	}
}

type goldenCell struct {
	Row, Family, Qualifier, Value, Type string
	Timestamp                           int64
}

type goldenTable struct {
	Table, Index string
	SQL          []sqlRow
	DataCells    []goldenCell `json:"data_cells"`
	IndexCells   []goldenCell `json:"index_cells"`
}

// TestGoldenRows builds every golden row from its SQL values, with its index row, and reads it back
// where it is a record's.
func TestGoldenRows(t *testing.T) {
	for file, uncovered := range map[string]bool{"stock_u.json": true, "stock_p.json": false} {
		t.Run(file, func(t *testing.T) {
			var golden goldenTable
			readJSON(t, file, &golden)
			layout := Layout{SaltBuckets: 16, IndexSaltBuckets: 16, Uncovered: uncovered}
			data, index := storedCells(t, golden.DataCells), storedCells(t, golden.IndexCells)
			if len(golden.SQL) != 40 || len(data) != 40 || len(index) != 40 {
				t.Fatalf("%d SQL rows, %d data rows, %d index rows, want 40 each", len(golden.SQL), len(data), len(index))
			}
			records := 0
			for _, row := range golden.SQL {
				if checkGoldenRow(t, &layout, row, data, index) {
					records++
				}
			}
			if records < 5 {
				t.Errorf("only %d of the golden rows are records", records)
			}
		})
	}
}

// storedCells groups cells by their row key.
func storedCells(t *testing.T, cells []goldenCell) map[string]Stored {
	t.Helper()
	rows := make(map[string]Stored)
	for _, c := range cells {
		if c.Family != Family || c.Type != "PUT" {
			t.Fatalf("unexpected cell %+v", c)
		}
		key := unhex(t, c.Row)
		row := rows[string(key)]
		row.Key, row.Timestamp = key, max(row.Timestamp, c.Timestamp)
		row.Cells = append(row.Cells, Cell{Qualifier: c.Qualifier, Value: unhex(t, c.Value)})
		rows[string(key)] = row
	}
	return rows
}

func checkGoldenRow(t *testing.T, layout *Layout, row sqlRow, data, index map[string]Stored) (isRecord bool) {
	t.Helper()
	rowKey, code := row.text(colRowKey), row.text(colStockCode)
	stored, found := data[string(layout.DataKey(rowKey))]
	if !found {
		t.Errorf("no golden row under the key %x of %q", layout.DataKey(rowKey), rowKey)
		return false
	}
	if diff := cmp.Diff(stored.Cells, generalCells(t, row)); diff != "" {
		t.Errorf("cells of %q (-phoenix +ours):\n%s", rowKey, diff)
	}
	indexed, found := index[string(layout.indexKey(code, rowKey))]
	if !found {
		t.Errorf("no golden index row under the key %x of %q", layout.indexKey(code, rowKey), rowKey)
		return false
	}
	if diff := cmp.Diff(indexed.Cells, layout.indexCells()); diff != "" {
		t.Errorf("index cells of %q (-phoenix +ours):\n%s", rowKey, diff)
	}
	if c, k, err := layout.ParseIndexKey(indexed.Key); err != nil || c != code || k != rowKey {
		t.Errorf("ParseIndexKey(%x) = %q, %q, %v, want %q, %q", indexed.Key, c, k, err, code, rowKey)
	}
	record, isRecord := recordOf(t, row)
	if isRecord {
		checkGoldenRecord(t, layout, record, stored, indexed)
	}
	return isRecord
}

// generalCells builds the data row from the encoders of the types, as any SQL row.
func generalCells(t *testing.T, row sqlRow) []Cell {
	t.Helper()
	cells := make([]Cell, 0, cellsPerRow)
	for _, name := range []string{"LAST_PRICE", "MATCHED", "REFERENCE_VERSION", "SOURCE_OFFSET", "SOURCE_PARTITION",
		"SOURCE_TOPIC", colStockCode, "STOCK_NAME", colTimestamp} {
		value := []byte{}
		if row[name] != nil {
			var err error
			if value, err = codecs[typeOf(name)].write(row.text(name)); err != nil {
				t.Fatal(err)
			}
		}
		cells = append(cells, Cell{Qualifier: name, Value: append([]byte{}, value...)})
	}
	return append(cells, Cell{Qualifier: EmptyColumn, Value: dataMark})
}

func typeOf(name string) string {
	for _, c := range columns {
		if c.name == name {
			base, _, _ := strings.Cut(c.sqlType, "(")
			return base
		}
	}
	panic("no column " + name)
}

// recordOf returns the record whose row this is, and false for rows that only SQL can write.
func recordOf(t *testing.T, row sqlRow) (feed.Record, bool) {
	t.Helper()
	sender, code, found := strings.Cut(row.text(colRowKey), "|")
	if !found || code != row.text(colStockCode) || row["MATCHED"] == nil {
		return feed.Record{}, false
	}
	at, err := parseTime(row.text(colTimestamp))
	if err != nil || at.Nanosecond()%1e6 != 0 {
		return feed.Record{}, false
	}
	price, err := feed.ParsePrice(row.text("LAST_PRICE"))
	if err != nil {
		t.Fatal(err)
	}
	partition, err1 := row["SOURCE_PARTITION"].(json.Number).Int64()
	offset, err2 := row["SOURCE_OFFSET"].(json.Number).Int64()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return feed.Record{
		Update:    feed.Update{Sender: sender, StockCode: code, Time: at.UnixMilli()},
		Origin:    feed.Origin{Topic: row.text("SOURCE_TOPIC"), Partition: int(partition), Offset: offset},
		Matched:   row["MATCHED"].(bool),
		StockName: row.text("STOCK_NAME"), LastPrice: &price,
		ReferenceVersion: row.text("REFERENCE_VERSION"),
	}, true
}

func checkGoldenRecord(t *testing.T, layout *Layout, record feed.Record, data, index Stored) {
	t.Helper()
	// The golden rows were stamped by the server, ours carry the event time.
	want := Row{
		Data:  Put{Key: data.Key, Timestamp: record.Time, Cells: data.Cells},
		Index: Put{Key: index.Key, Timestamp: record.Time, Cells: index.Cells},
	}
	if diff := cmp.Diff(want, layout.Row(&record)); diff != "" {
		t.Errorf("row of %q (-phoenix +ours):\n%s", record.RowKey(), diff)
	}
	back, err := layout.ParseRow(&data)
	if diff := cmp.Diff(record, back); err != nil || diff != "" {
		t.Errorf("ParseRow(%q): %v (-want +got):\n%s", record.RowKey(), err, diff)
	}
}
