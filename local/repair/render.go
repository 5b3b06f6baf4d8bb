package repair

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"

	"feedstream/shared/feed"
)

// Render prints records that were set aside as a table for people.
func Render(w io.Writer, all []Aside) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.AppendHeader(table.Row{"record", "state", "reason", "redrives", "set aside", "key", "value"})
	open := 0
	for _, a := range all {
		if a.State == Open {
			open++
		}
		t.AppendRow(table.Row{a.Origin, a.State, a.Reason, a.Redrives, feed.FormatTime(a.Time.UnixMilli()),
			fmt.Sprintf("%.40q", a.Key), fmt.Sprintf("%.60q", a.Value)})
	}
	t.Render()
	fmt.Fprintf(w, "%d records, %d of them open\n", len(all), open)
}

// Render prints the summary for people.
func (s *Summary) Render(w io.Writer) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	row := func(name string, c *Tally) table.Row {
		return table.Row{name, c.Redriven, c.Overtaken, c.Before, c.Filtered, c.Refused, c.Left}
	}
	t.AppendHeader(table.Row{"reason", "redriven", "overtaken", "redriven before", "filtered", "refused", "left"})
	for _, reason := range slices.Sorted(maps.Keys(s.ByReason)) {
		t.AppendRow(row(string(reason), s.ByReason[reason]))
	}
	t.AppendFooter(row("all", &s.Total))
	t.Render()
	for _, r := range s.Refusals {
		fmt.Fprintf(w, "refused %s: %s\n", r.Origin, r.Why)
	}
	if more := s.Total.Refused - len(s.Refusals); more > 0 {
		fmt.Fprintf(w, "and %d more were refused\n", more)
	}
	if s.StillBad > 0 {
		fmt.Fprintf(w, "%d of the redriven are as bad as before and will be set aside again: mend them\n", s.StillBad)
	}
	if s.DryRun {
		fmt.Fprintln(w, "a dry run: nothing was sent")
	}
}

// Render prints what was replayed for people.
func (r Replayed) Render(w io.Writer) {
	if r.DryRun {
		fmt.Fprintf(w, "%d records would be replayed\n", r.Records)
		return
	}
	fmt.Fprintf(w, "%d records replayed: %d enriched, %d unmatched, %d quarantined\n", r.Records, r.Enriched, r.Unmatched, r.Quarantined)
}

// Render prints what was joined anew for people.
func (r Rejoined) Render(w io.Writer) {
	fmt.Fprintf(w, "%d rows are to be joined anew: ", r.Rows)
	r.Replayed.Render(w)
	if r.Gone > 0 {
		fmt.Fprintf(w, "%d rows stay as they are, for the input topic does not hold their records any more. The first: %q\n",
			r.Gone, r.FirstGone)
	}
}
