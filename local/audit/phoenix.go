package audit

import (
	"context"
	"iter"
	"time"

	"feedstream/shared/phoenix"
)

// Scanner reads the rows of a range of an HBase table. An error comes last.
type Scanner interface {
	Scan(ctx context.Context, table string, r phoenix.Range) iter.Seq2[phoenix.Stored, error]
}

// Phoenix is the Table of a layout, read through HBase.
type Phoenix struct {
	Scanner Scanner
	Layout  *phoenix.Layout
}

// scanTimeout bounds the scan of a whole table, which takes longer than a call of the functions may.
const scanTimeout = 10 * time.Minute

// Rows scans the table. What is no row of a record, such as one that SQL has written in part, comes as
// a Row with its Problem.
func (p Phoenix) Rows(ctx context.Context) iter.Seq2[Row, error] {
	return scan(ctx, p.Scanner, p.Layout.Table, func(stored *phoenix.Stored) Row {
		record, err := p.Layout.ParseRow(stored)
		if err != nil {
			return Row{Problem: err.Error()}
		}
		return Row{Record: record, CellTime: stored.Timestamp}
	})
}

// IndexRows scans the index. A key that is none comes as an IndexRow with its Problem.
func (p Phoenix) IndexRows(ctx context.Context) iter.Seq2[IndexRow, error] {
	return scan(ctx, p.Scanner, p.Layout.Index, func(stored *phoenix.Stored) IndexRow {
		code, key, err := p.Layout.ParseIndexKey(stored.Key)
		if err != nil {
			return IndexRow{Problem: err.Error()}
		}
		return IndexRow{StockCode: code, RowKey: key, CellTime: stored.Timestamp}
	})
}

func scan[T any](ctx context.Context, s Scanner, table string, read func(*phoenix.Stored) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithTimeout(ctx, scanTimeout)
		defer cancel()
		for stored, err := range s.Scan(ctx, table, phoenix.Range{}) {
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			if !yield(read(&stored), nil) {
				return
			}
		}
	}
}
