package audit

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"feedstream/shared/feed"
)

// Report is the outcome of an audit. Published is the sum of Enriched, Unmatched, Quarantined,
// DeadLettered, Pending and Missing.
type Report struct {
	// Balanced: every input record has its verdict or is pending, nothing speaks of a record that is
	// not there or otherwise than it, and topics, table and index agree.
	Balanced bool `json:"balanced"`

	Published           int                 `json:"published"` // records of the input topic
	Enriched            int                 `json:"enriched"`
	Unmatched           int                 `json:"unmatched"`
	Quarantined         int                 `json:"quarantined"`
	QuarantinedByReason map[feed.Reason]int `json:"quarantinedByReason"`
	DeadLettered        int                 `json:"deadLettered"`
	Pending             int                 `json:"pending"` // no verdict yet, not committed either
	Missing             int                 `json:"missing"` // no verdict although committed: lost
	Gaps                []Gap               `json:"gaps"`    // where the missing lie

	Overtaken  int        `json:"overtaken"`  // weaker evidence beside stronger; redrive skips it
	Redriven   int        `json:"redriven"`   // of the quarantined and dead-lettered: another record took its place
	Duplicates Duplicates `json:"duplicates"` // of repeated pushes, in the topics as a whole
	Conflicts  int        `json:"conflicts"`  // duplicates that tell of different events
	Altered    int        `json:"altered"`    // output records that tell of another event than their input record
	Strays     int        `json:"strays"`     // evidence of records that do not exist
	Unreadable int        `json:"unreadable"` // records that are no evidence of anything

	Table *TableReport `json:"table,omitempty"`
	Index *IndexReport `json:"index,omitempty"`

	// Problems names what is wrong, the first few of each kind.
	Problems []string `json:"problems,omitempty"`
	named    map[string]int
}

// Gap is a run of input records without verdict, both ends included.
type Gap struct {
	Partition int   `json:"partition"`
	From      int64 `json:"from"`
	To        int64 `json:"to"`
	Records   int   `json:"records"`
}

// Duplicates counts the records beyond the first of one input record.
type Duplicates struct {
	Output     int `json:"output"`
	Quarantine int `json:"quarantine"`
	DeadLetter int `json:"deadLetter"`
}

// TableReport compares the table with the output topic.
type TableReport struct {
	Rows    int `json:"rows"`
	Missing int `json:"missing"` // output records without a row of their key
	Wrong   int `json:"wrong"`   // rows that are none of their newest output records
	Strays  int `json:"strays"`  // rows without output record
	Ahead   int `json:"ahead"`   // rows of a push under way or given up; no fault
}

// IndexReport compares the index with the table.
type IndexReport struct {
	Rows    int `json:"rows"`
	Missing int `json:"missing"` // rows without an index row of the same timestamp
	Strays  int `json:"strays"`  // index rows without row
}

// problemsOfAKind is how many of each kind are named; all are counted.
const problemsOfAKind = 10

func (r *Report) problem(kind, format string, args ...any) {
	if r.named == nil {
		r.named = make(map[string]int)
	}
	if r.named[kind]++; r.named[kind] <= problemsOfAKind {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// count adds the verdict of one input record, if it has one.
func (r *Report) count(m mark) {
	r.Published++
	switch m.verdict() {
	case matched:
		r.Enriched++
	case unmatched:
		r.Unmatched++
	case quarantined:
		r.Quarantined++
		r.QuarantinedByReason[m.reason()]++
	case deadLettered:
		r.DeadLettered++
	}
	if m.overtaken() {
		r.Overtaken++
	}
	if m.repaired() {
		r.Redriven++
	}
}

// balanced also sums up the gaps.
func (r *Report) balanced() bool {
	for _, g := range r.Gaps {
		r.Missing += g.Records
	}
	faults := r.Missing + r.Conflicts + r.Altered + r.Strays + r.Unreadable
	if r.Table != nil {
		faults += r.Table.Missing + r.Table.Wrong + r.Table.Strays + r.Index.Missing + r.Index.Strays
	}
	return faults == 0
}

// Render writes the report as a table for people.
func (r *Report) Render(w io.Writer) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"audit", "records", ""})
	row := func(name string, n int, remark string) { t.AppendRow(table.Row{name, n, remark}) }
	fault := func(name string, n int, remark string) {
		if n > 0 {
			row(name, n, "✗ "+remark)
		}
	}
	row("published", r.Published, "")
	row("enriched", r.Enriched, "")
	row("unmatched", r.Unmatched, "")
	row("quarantined", r.Quarantined, "")
	for _, reason := range reasons {
		if n := r.QuarantinedByReason[reason]; n > 0 {
			row("  "+string(reason), n, "")
		}
	}
	row("dead-lettered", r.DeadLettered, "")
	row("pending", r.Pending, "")
	row("overtaken", r.Overtaken, "")
	row("redriven", r.Redriven, fmt.Sprintf("of those set aside; %d are left", r.Quarantined+r.DeadLettered-r.Redriven))
	row("duplicates", r.Duplicates.Output+r.Duplicates.Quarantine+r.Duplicates.DeadLetter, "of repeated pushes")
	fault("missing", r.Missing, r.gaps())
	fault("conflicts", r.Conflicts, "duplicates that tell of different events")
	fault("altered", r.Altered, "output records that tell of another event")
	fault("strays", r.Strays, "evidence of records that do not exist")
	fault("unreadable", r.Unreadable, "")
	if r.Table != nil {
		t.AppendSeparator()
		row("rows", r.Table.Rows, "")
		row("rows ahead", r.Table.Ahead, "of a push under way or given up")
		fault("rows missing", r.Table.Missing, "")
		fault("rows wrong", r.Table.Wrong, "none of their newest output records")
		fault("rows stray", r.Table.Strays, "without output record")
		row("index rows", r.Index.Rows, "")
		fault("index rows missing", r.Index.Missing, "at their row's timestamp")
		fault("index rows stray", r.Index.Strays, "without row")
	}
	t.Render()
	for _, p := range r.Problems {
		fmt.Fprintln(w, "✗", p)
	}
	if r.Balanced {
		fmt.Fprintln(w, "balanced")
	} else {
		fmt.Fprintln(w, "NOT balanced")
	}
}

// gaps renders where the missing records lie as partition:offset ranges.
func (r *Report) gaps() string {
	const most = 8
	var names []string
	for i, g := range r.Gaps {
		if i == most {
			names = append(names, fmt.Sprintf("and %d more", len(r.Gaps)-most))
			break
		}
		name := fmt.Sprintf("%d:%d", g.Partition, g.From)
		if g.To > g.From {
			name += fmt.Sprintf("-%d", g.To)
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}
