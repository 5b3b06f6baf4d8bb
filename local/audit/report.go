package audit

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"

	"feedstream/local/platform/stream"
	"feedstream/local/target"
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
	OldestPending       *OldestPending      `json:"oldestPending,omitempty"`
	Missing             int                 `json:"missing"` // no verdict although committed: lost
	Gaps                []Gap               `json:"gaps"`    // where the missing lie, the first of them

	// Failing are the pushes that keep failing, where a running stack tells of them: why records are pending.
	Failing []target.Failing `json:"failing,omitempty"`
	// FailingUnknown is why the running stack could not tell.
	FailingUnknown string `json:"failingUnknown,omitempty"`

	Overtaken  int        `json:"overtaken"`  // weaker evidence beside stronger; redrive skips it
	Redriven   int        `json:"redriven"`   // of the quarantined and dead-lettered: another record took its place
	Duplicates Duplicates `json:"duplicates"` // of repeated pushes, in the topics as a whole
	Conflicts  int        `json:"conflicts"`  // duplicates that tell of different events
	Altered    int        `json:"altered"`    // output records that tell of another event than their input record
	Strays     int        `json:"strays"`     // evidence of records that do not exist
	Unreadable int        `json:"unreadable"` // records that are no evidence of anything
	Samples    int        `json:"samples"`    // verdicts on samples, which `feedstream invoke` made up; no fault

	Table *TableReport `json:"table,omitempty"`
	Index *IndexReport `json:"index,omitempty"`

	// OtherMembers of the trigger's group take records that no function sees. In the cloud they are the
	// platform's own.
	OtherMembers []stream.Member `json:"otherMembers,omitempty"`

	// Faults names what is wrong and what to do about it, by kind; empty exactly when balanced.
	Faults []Fault `json:"faults"`
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

// Render writes the report as a table for people.
func (r *Report) Render(w io.Writer) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"audit", "records", ""})
	row := func(name string, n int, remark string) { t.AppendRow(table.Row{name, n, remark}) }
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
	row("overtaken", r.Overtaken, "of the above: set aside too, by another try of their push; nothing to do")
	row("redriven", r.Redriven, fmt.Sprintf("of those set aside; %d are left", r.Quarantined+r.DeadLettered-r.Redriven))
	row("duplicates", r.Duplicates.Output+r.Duplicates.Quarantine+r.Duplicates.DeadLetter, "of repeated pushes")
	if r.Samples > 0 {
		row("samples", r.Samples, "of `feedstream invoke --sample`: no input records")
	}
	if r.Table != nil {
		t.AppendSeparator()
		row("rows", r.Table.Rows, "")
		row("rows ahead", r.Table.Ahead, "of a push under way or given up")
		row("index rows", r.Index.Rows, "")
	}
	t.Render()
	for _, m := range r.OtherMembers {
		fmt.Fprintf(w, "! in the consumer group too: %s. Unless that is the platform's own event stream, end it: "+
			"what it takes, no function sees\n", m)
	}
	for i := range r.Faults {
		r.Faults[i].render(w)
	}
	r.renderResult(w)
}

// render writes one kind of fault: how many there are, the first few, and what to do.
func (f *Fault) render(w io.Writer) {
	fmt.Fprintf(w, "\n✗ %s: %d. %s\n", f.Kind, f.Found, f.Means)
	for _, line := range f.First {
		fmt.Fprintln(w, "   ", line)
	}
	if f.Found > f.named {
		fmt.Fprintln(w, "    and", f.Found-f.named, "more")
	}
	fmt.Fprintf(w, "  what to do: %s\n", f.Remedy)
}
