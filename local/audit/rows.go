package audit

import (
	"context"
	"fmt"
	"hash/maphash"
	"iter"
	"maps"
	"slices"

	"feedstream/shared/feed"
)

// Table is the Phoenix table and its index, as the audit reads them: each row once, in any order. An
// error in the sequence ends the audit.
type Table interface {
	Rows(ctx context.Context) iter.Seq2[Row, error]
	IndexRows(ctx context.Context) iter.Seq2[IndexRow, error]
}

// Row is one row of the table.
type Row struct {
	Record feed.Record
	// CellTime is the timestamp of its cells in epoch milliseconds.
	CellTime int64
	// Problem says why the row could not be read as a record. Record is not looked at then.
	Problem string
}

// IndexRow is one row of the index.
type IndexRow struct {
	StockCode, RowKey string
	CellTime          int64
	// Problem says why the key could not be read. The other fields are not looked at then.
	Problem string
}

// rowState is what output topic, index and table say of one row key.
type rowState struct {
	newest    int64    // event time of the newest output records; valid with states
	states    []uint64 // hashes of those records: the row must be one of them
	indexTime int64    // of the index row; valid with indexed
	indexed   bool
	found     bool // in the table
}

func (a *auditor) row(key string) *rowState {
	s := a.rows[key]
	if s == nil {
		s = new(rowState)
		a.rows[key] = s
	}
	return s
}

// state hashes all that a record says. The buffer is reused.
func (a *auditor) state(r *feed.Record, buffer []byte) (uint64, []byte) {
	buffer = r.AppendJSON(buffer[:0])
	return maphash.Bytes(a.seed, buffer), buffer
}

// addState takes an output record as one that its row may have to equal.
func (a *auditor) addState(o *outcome) {
	if a.cfg.Table == nil {
		return
	}
	s := a.row(o.record.RowKey())
	switch {
	case len(s.states) == 0 || o.record.Time > s.newest:
		s.newest, s.states = o.record.Time, append(s.states[:0], o.state)
	case o.record.Time == s.newest && !slices.Contains(s.states, o.state):
		s.states = append(s.states, o.state)
	}
}

func (a *auditor) readIndex(ctx context.Context) error {
	if a.cfg.Table == nil {
		return nil
	}
	a.report.Index = &IndexReport{}
	for r, err := range a.cfg.Table.IndexRows(ctx) {
		if err != nil {
			return fmt.Errorf("read the index: %w", err)
		}
		a.report.Index.Rows++
		a.step("index", a.report.Index.Rows)
		if r.Problem != "" {
			a.report.Index.Strays++
			a.faults.add(IndexStray, 1, "index row: %s", r.Problem)
			continue
		}
		s := a.row(r.RowKey)
		s.indexed, s.indexTime = true, r.CellTime
	}
	return nil
}

func (a *auditor) readTable(ctx context.Context) error {
	if a.cfg.Table == nil {
		return nil
	}
	a.report.Table = &TableReport{}
	var buffer []byte
	for r, err := range a.cfg.Table.Rows(ctx) {
		if err != nil {
			return fmt.Errorf("read the table: %w", err)
		}
		a.report.Table.Rows++
		a.step("table", a.report.Table.Rows)
		if r.Problem != "" {
			a.report.Table.Wrong++
			a.faults.add(RowWrong, 1, "row: %s", r.Problem)
			continue
		}
		var state uint64
		state, buffer = a.state(&r.Record, buffer)
		a.judgeRow(&r, state)
	}
	return nil
}

// judgeRow compares a row with the newest output records of its key and with its index row. A row may
// be ahead of the topic: its push is under way, or was given up after it had written the row, or its
// output record was rejected. Nothing is expected of the index then.
func (a *auditor) judgeRow(r *Row, state uint64) {
	key := r.Record.RowKey()
	s := a.row(key)
	s.found = true
	switch {
	case r.CellTime != r.Record.Time:
		a.report.Table.Wrong++
		a.faults.add(RowWrong, 1, "row %s: the cells carry %s, the event %s",
			key, feed.FormatTime(r.CellTime), feed.FormatTime(r.Record.Time))
	case slices.Contains(s.states, state) && r.Record.Time == s.newest:
	case a.ahead(r, s):
		a.report.Table.Ahead++
		return
	case r.Record.Origin.Topic == feed.SampleTopic, a.untold(r, s): // only its index row can be looked at
	case len(s.states) == 0:
		a.report.Table.Strays++
		a.faults.add(RowStray, 1, "row %s holds %s, and no output record has its key", key, r.Record.Origin)
	default:
		a.report.Table.Wrong++
		a.faults.add(RowWrong, 1, "row %s holds %s at %s, which is none of its newest output records, at %s",
			key, r.Record.Origin, feed.FormatTime(r.Record.Time), feed.FormatTime(s.newest))
	}
	if !s.indexed || s.indexTime != r.CellTime {
		a.report.Index.Missing++
		found := "there is none"
		if s.indexed {
			found = "it has " + feed.FormatTime(s.indexTime)
		}
		a.faults.add(IndexMissing, 1, "row %s: its index row must have %s, %s", key, feed.FormatTime(r.CellTime), found)
	}
}

func (a *auditor) ahead(r *Row, s *rowState) bool {
	o := r.Record.Origin
	if o.Topic != a.cfg.Topics.Input || len(s.states) > 0 && r.Record.Time < s.newest {
		return false
	}
	m, _ := a.ledger.at(o.Partition, o.Offset)
	givenUp := m.verdict() == deadLettered || m.verdict() == quarantined && m.reason() == feed.SinkRejected
	return o.Offset >= a.commits[o.Partition] || givenUp
}

// untold says that a row may rest on an output record that was not read: one from before what is audited.
func (a *auditor) untold(r *Row, s *rowState) bool {
	return a.begin.excludes(r.Record.Origin) && (len(s.states) == 0 || r.Record.Time >= s.newest)
}

// judgeRows finds output records without a row, and index rows without one.
func (a *auditor) judgeRows() {
	if a.cfg.Table == nil {
		return
	}
	for _, key := range sorted(a.rows) {
		s := a.rows[key]
		if s.found {
			continue
		}
		if len(s.states) > 0 {
			a.report.Table.Missing++
			a.faults.add(RowMissing, 1, "row %s is missing: its newest output record has %s", key, feed.FormatTime(s.newest))
		}
		if s.indexed {
			a.report.Index.Strays++
			a.faults.add(IndexStray, 1, "the index has row %s at %s, the table has not", key, feed.FormatTime(s.indexTime))
		}
	}
}

func sorted[K int | string, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
