package query

import (
	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/store"
)

// newFilterList joins filters that must all pass, or of which one must.
func newFilterList(b []byte, nesting int) (filter, error) {
	if nesting > maxNesting {
		return nil, exception.New(exception.DoNotRetryIO, "filter lists are nested over %d deep", maxNesting)
	}
	var m pb.FilterList
	if err := proto.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	var members []*member
	for _, f := range m.Filters {
		inner, err := newFilter(f, nesting)
		if err != nil {
			return nil, err
		}
		members = append(members, &member{filter: inner})
	}
	if m.GetOperator() == pb.FilterList_MUST_PASS_ONE {
		return anyOf(members), nil
	}
	return allOf(members), nil
}

// member is a filter in a list of which one must pass; it is not asked again where it has said "next".
type member struct {
	filter
	rowOver    bool
	columnOver bool
	column     store.Cell
}

// allOf passes what all its members pass.
type allOf []*member

func (l allOf) reset() {
	for _, m := range l {
		m.reset()
	}
}

func (l allOf) dropKey(row []byte) bool {
	drop := false
	for _, m := range l { // all of them: a member keeps what it saw
		drop = m.dropKey(row) || drop
	}
	return drop
}

func (l allOf) cell(row []byte, c *store.Cell) answer {
	worst := include
	for _, m := range l {
		if v := m.filter.cell(row, c); v != include {
			worst = max(worst, v)
			break // as in HBase, later members do not see a cell that an earlier one refused
		}
	}
	return worst
}

func (l allOf) dropRow() bool {
	for _, m := range l {
		if m.dropRow() {
			return true
		}
	}
	return false
}

func (l allOf) done() bool {
	for _, m := range l {
		if m.done() {
			return true
		}
	}
	return false
}

// anyOf passes what any of its members passes. Without members it passes everything.
type anyOf []*member

func (l anyOf) reset() {
	for _, m := range l {
		m.reset()
		m.rowOver, m.columnOver = false, false
	}
}

func (l anyOf) dropKey(row []byte) bool {
	drop := len(l) > 0
	for _, m := range l {
		drop = m.dropKey(row) && drop
	}
	return drop
}

func (l anyOf) cell(row []byte, c *store.Cell) answer {
	if len(l) == 0 {
		return include
	}
	best := nextRow
	result := *c
	for _, m := range l {
		if v, changed := m.ask(row, *c); v < best {
			best = v
			if v == include {
				result = changed
			}
		}
	}
	*c = result
	return best
}

// ask shows a cell to one member unless it is over with the row or column, and returns the cell as changed by it.
func (m *member) ask(row []byte, c store.Cell) (answer, store.Cell) {
	if m.rowOver || m.done() {
		return nextRow, c
	}
	if m.columnOver && store.SameColumn(m.column, c) {
		return nextColumn, c
	}
	v := m.filter.cell(row, &c)
	m.rowOver = v == nextRow
	m.columnOver, m.column = v == nextColumn, c
	return v, c
}

func (l anyOf) dropRow() bool {
	for _, m := range l {
		if !m.dropRow() {
			return false
		}
	}
	return len(l) > 0
}

func (l anyOf) done() bool {
	for _, m := range l {
		if !m.done() {
			return false
		}
	}
	return len(l) > 0
}
