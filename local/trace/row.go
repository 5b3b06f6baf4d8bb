package trace

import (
	"fmt"
	"strings"
	"time"

	"feedstream/shared/feed"
	"feedstream/shared/phoenix"
)

// Row is a row of the table, as HBase has it and as it reads.
type Row struct {
	Key     string       `json:"key"`
	DataKey []byte       `json:"dataKey"` // in HBase: salt and row key
	Time    time.Time    `json:"time"`    // of its newest cell
	Cells   []Cell       `json:"cells"`
	Record  *feed.Record `json:"record,omitempty"`
	Problem string       `json:"problem,omitempty"` // why it reads as no record
	SQL     string       `json:"sql"`               // that finds it in Phoenix
}

// Cell is one column of a row.
type Cell struct {
	Column  string `json:"column"`
	Value   []byte `json:"value"`
	Decoded string `json:"decoded"`
}

func rowOf(layout *phoenix.Layout, key string, stored *phoenix.Stored) *Row {
	row := &Row{
		Key: key, DataKey: stored.Key, Time: time.UnixMilli(stored.Timestamp).UTC(),
		SQL: fmt.Sprintf("SELECT * FROM %s WHERE ROWKEY = '%s'", quoted(layout.Table), strings.ReplaceAll(key, "'", "''")),
	}
	record, err := layout.ParseRow(stored)
	if err != nil {
		row.Problem = err.Error()
	} else {
		row.Record = &record
	}
	for _, cell := range stored.Cells {
		row.Cells = append(row.Cells, Cell{Column: cell.Qualifier, Value: cell.Value, Decoded: decoded(cell, row.Record)})
	}
	return row
}

// decoded is what a column of a record says.
func decoded(cell phoenix.Cell, r *feed.Record) string {
	switch {
	case cell.Qualifier == phoenix.EmptyColumn:
		return "Phoenix's own cell of every row"
	case len(cell.Value) == 0:
		return "NULL"
	case r == nil:
		return "?"
	}
	switch cell.Qualifier {
	case "STOCK_CODE":
		return r.StockCode
	case "STOCK_NAME":
		return r.StockName
	case "LAST_PRICE":
		if r.LastPrice != nil {
			return r.LastPrice.String()
		}
	case "TIMESTAMP":
		return feed.FormatTime(r.Time)
	case "MATCHED":
		return fmt.Sprint(r.Matched)
	case "REFERENCE_VERSION":
		return r.ReferenceVersion
	case "SOURCE_TOPIC":
		return r.Origin.Topic
	case "SOURCE_PARTITION":
		return fmt.Sprint(r.Origin.Partition)
	case "SOURCE_OFFSET":
		return fmt.Sprint(r.Origin.Offset)
	}
	return "a column that the layout does not know"
}

// quoted writes the name of a table as SQL has to: with lower-case letters it is quoted.
func quoted(name string) string {
	if name == strings.ToUpper(name) {
		return name
	}
	parts := strings.Split(name, ".")
	for i := range parts {
		parts[i] = `"` + parts[i] + `"`
	}
	return strings.Join(parts, ".")
}
