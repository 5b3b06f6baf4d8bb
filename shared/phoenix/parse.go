package phoenix

import (
	"errors"
	"fmt"
	"strings"

	"feedstream/shared/feed"
)

// RowError says of a stored row why it is no record's.
type RowError struct {
	RowKey string   // as far as it can be read
	Null   []string // columns that must have a value and have none, in the order of the DDL
	Err    error    // what else is wrong with it; nil when Null is all
}

func (e *RowError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("read row %q: %v", e.RowKey, e.Err)
	}
	return fmt.Sprintf("read row %q: null where every record has a value: %s", e.RowKey, strings.Join(e.Null, ", "))
}

// Unwrap returns the cause.
func (e *RowError) Unwrap() error { return e.Err }

// ParseRow reads a data row back into the record it was made from.
//
// Rows may also have been written by SQL, so columns may be null or missing. A row key that is not
// "<sender>|<stock code>", a STOCK_CODE other than the key's, and a null STOCK_CODE or TIMESTAMP are a
// *RowError: there is no record to return. Null MATCHED reads as false, other null columns as their
// zero values. A TIMESTAMP finer than a millisecond is truncated. Columns the layout does not know are
// ignored. Every error names the row and the columns.
func (l *Layout) ParseRow(row *Stored) (feed.Record, error) {
	key, err := l.ParseDataKey(row.Key)
	if err != nil {
		return feed.Record{}, &RowError{RowKey: string(row.Key[min(1, len(row.Key)):]), Err: err}
	}
	sender, code, found := strings.Cut(key, "|")
	if !found || sender == "" || code == "" || strings.Contains(code, "|") {
		return feed.Record{}, &RowError{RowKey: key, Err: errors.New("the key is not <sender>|<stock code>")}
	}
	var r feed.Record
	for _, cell := range row.Cells {
		column := columnOf(cell.Qualifier)
		if column == nil || len(cell.Value) == 0 {
			continue
		}
		if err := column.read(&r, cell.Value); err != nil {
			return feed.Record{}, &RowError{RowKey: key, Err: fmt.Errorf("column %s: %w", column.name, err)}
		}
	}
	if missing := nullColumns(row); missing != nil {
		return feed.Record{}, &RowError{RowKey: key, Null: missing}
	}
	if r.StockCode != code {
		return feed.Record{}, &RowError{RowKey: key,
			Err: fmt.Errorf("column %s is %q, which is not the stock code of the key", colStockCode, r.StockCode)}
	}
	r.Sender = sender
	return r, nil
}

// nullColumns names the required columns in which a row has no value.
func nullColumns(row *Stored) (names []string) {
	for i := range columns {
		if !columns[i].required {
			continue
		}
		if value, _ := row.Value(columns[i].name); len(value) == 0 {
			names = append(names, columns[i].name)
		}
	}
	return names
}
