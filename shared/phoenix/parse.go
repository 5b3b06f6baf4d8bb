package phoenix

import (
	"fmt"
	"strings"

	"feedstream/shared/feed"
)

// ParseRow reads a data row back into the record it was made from.
//
// Rows may also have been written by SQL, so columns may be null or missing. A row key that is not
// "<sender>|<stock code>", a STOCK_CODE other than the key's, and a null STOCK_CODE or TIMESTAMP are
// errors: there is no record to return. Null MATCHED reads as false, other null columns as their
// zero values. A TIMESTAMP finer than a millisecond is truncated. Columns the layout does not know are
// ignored. Every error names the row and the column.
func (l *Layout) ParseRow(row *Stored) (feed.Record, error) {
	var r feed.Record
	key, err := l.ParseDataKey(row.Key)
	if err != nil {
		return r, err
	}
	sender, code, found := strings.Cut(key, "|")
	if !found || sender == "" || code == "" || strings.Contains(code, "|") {
		return r, fmt.Errorf("read row %q: the key is not <sender>|<stock code>", key)
	}
	for _, c := range row.Cells {
		if len(c.Value) == 0 {
			continue
		}
		if err := setColumn(&r, c); err != nil {
			return feed.Record{}, fmt.Errorf("read row %q: column %s: %w", key, c.Qualifier, err)
		}
	}
	r.Sender = sender
	if r.StockCode != code {
		return feed.Record{}, fmt.Errorf("read row %q: column %s is %q, which is not the stock code of the key",
			key, colStockCode, r.StockCode)
	}
	if value, _ := row.Value(colTimestamp); len(value) == 0 {
		return feed.Record{}, fmt.Errorf("read row %q: column %s is null", key, colTimestamp)
	}
	return r, nil
}

// setColumn reads one cell that is not null into its place.
func setColumn(r *feed.Record, c Cell) (err error) {
	switch c.Qualifier {
	case colStockCode:
		r.StockCode, err = DecodeVarchar(c.Value)
	case colStockName:
		r.StockName, err = DecodeVarchar(c.Value)
	case colLastPrice:
		var p feed.Price
		p, err = DecodePrice(c.Value)
		r.LastPrice = &p
	case colTimestamp:
		r.Time, err = DecodeTimestampMillis(c.Value)
	case colMatched:
		r.Matched, err = DecodeBoolean(c.Value)
	case colReferenceVersion:
		r.ReferenceVersion, err = DecodeVarchar(c.Value)
	case colSourceTopic:
		r.Origin.Topic, err = DecodeVarchar(c.Value)
	case colSourcePartition:
		var partition int32
		partition, err = DecodeInteger(c.Value)
		r.Origin.Partition = int(partition)
	case colSourceOffset:
		r.Origin.Offset, err = DecodeBigint(c.Value)
	}
	return err
}
