package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"feedstream/local/audit"
	"feedstream/local/console"
	"feedstream/local/doctor"
	"feedstream/local/stack"
	"feedstream/shared/feed"
	"feedstream/shared/reference"
)

// PrintJSON prints any answer for machines.
func PrintJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// PrintTable prints rows for people.
func PrintTable(w io.Writer, header table.Row, rows []table.Row) {
	out := table.NewWriter()
	out.SetOutputMirror(w)
	out.AppendHeader(header)
	out.AppendRows(rows)
	out.Render()
}

// PrintReport ends the command with exit code 1 when the audit does not balance.
func PrintReport(w io.Writer, report *audit.Report, asJSON bool) error {
	if asJSON {
		if err := PrintJSON(w, report); err != nil {
			return err
		}
	} else {
		report.Render(w)
	}
	return Found(!report.Balanced)
}

// PrintDrained prints a drained feed, and ends the command with exit code 1 when it does not balance.
func PrintDrained(w io.Writer, drained *stack.Drained, asJSON bool) error {
	if asJSON {
		if err := PrintJSON(w, drained); err != nil {
			return err
		}
		return Found(!drained.Balanced)
	}
	err := PrintReport(w, &drained.Report, false)
	fmt.Fprintf(w, "\n%.0f records/s over %.1f s; CPU seconds per million records: feedstream %.1f, functions %.1f\n",
		drained.Speed.RecordsPerSecond, drained.Speed.Seconds, drained.Speed.CPUFeedstream, drained.Speed.CPUFunctions)
	return err
}

// PrintFindings ends the command with exit code 1 when something is wrong.
func PrintFindings(w io.Writer, findings []doctor.Finding, asJSON bool) error {
	if asJSON {
		if err := PrintJSON(w, findings); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			if f.OK {
				fmt.Fprintf(w, "ok     %s: %s\n", f.Check, f.Detail)
			} else {
				fmt.Fprintf(w, "WRONG  %s: %s\n       remedy: %s\n", f.Check, f.Detail, f.Remedy)
			}
		}
	}
	return Found(doctor.Problems(findings) != nil)
}

// Found ends a command with exit code 1 when something was found wrong.
func Found(wrong bool) error {
	if wrong {
		return ErrFound
	}
	return nil
}

// PrintPage prints what the query function answers: a page of rows, or one row.
func PrintPage(w io.Writer, body []byte, single bool) error {
	page := struct {
		Items   []feed.Record
		Next    string
		Skipped int
	}{Items: make([]feed.Record, 1)}
	into := any(&page)
	if single {
		into = &page.Items[0]
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("read the answer of the query function: %w", err)
	}
	PrintRows(w, page.Items)
	if page.Skipped > 0 {
		fmt.Fprintf(w, "%d rows that another writer left incomplete are left out; see the function's log\n", page.Skipped)
	}
	if page.Next != "" {
		fmt.Fprintf(w, "there are more: --cursor %s\n", page.Next)
	}
	return nil
}

// PrintRows prints rows of the table for people.
func PrintRows(w io.Writer, records []feed.Record) {
	var rows []table.Row
	for _, r := range records {
		price := ""
		if r.LastPrice != nil {
			price = r.LastPrice.String()
		}
		rows = append(rows, table.Row{r.RowKey(), feed.FormatTime(r.Time), r.StockName, price, r.Matched, r.ReferenceVersion})
	}
	PrintTable(w, table.Row{"row key", "time", "name", "price", "matched", "reference"}, rows)
}

// PrintVersions prints the snapshots for people.
func PrintVersions(w io.Writer, versions []reference.Version) {
	var rows []table.Row
	for _, v := range versions {
		written := v.Written.Format(time.RFC3339)
		if v.Missing {
			written = "MISSING"
		}
		rows = append(rows, table.Row{v.Version, v.State, v.Object, v.Bytes, written})
	}
	PrintTable(w, table.Row{"version", "state", "object", "bytes", "written"}, rows)
}

// PrintDifferences prints what two snapshots differ in.
func PrintDifferences(w io.Writer, differences []reference.Difference) {
	if len(differences) == 0 {
		fmt.Fprintln(w, "the two versions hold the same")
		return
	}
	var rows []table.Row
	for _, d := range differences {
		before, after := reference.Stock{}, reference.Stock{}
		if d.Before != nil {
			before = *d.Before
		}
		if d.After != nil {
			after = *d.After
		}
		rows = append(rows, table.Row{d.Change, d.Code, before.Name, before.Price, after.Name, after.Price})
	}
	PrintTable(w, table.Row{"change", "code", "name before", "price before", "name after", "price after"}, rows)
}

// PrintOutcome prints what the refresh function answers.
func PrintOutcome(w io.Writer, o reference.Outcome) {
	for _, damage := range o.Mended {
		fmt.Fprintf(w, "mended: %s\n", damage)
	}
	if o.Action == reference.ActionPin || o.Action == reference.ActionRollback {
		fmt.Fprintf(w, "version %s is pinned, revision %d, %d entries: "+
			"refreshes leave it alone until `feedstream reference unpin`\n",
			o.Version, o.Revision, o.Entries)
		return
	}
	state := "unchanged"
	switch {
	case o.Pinned:
		state = "pinned, left alone"
	case o.Changed:
		state = "new"
	}
	fmt.Fprintf(w, "version %s (%s), revision %d: %d entries of %d documents, %d rejected\n",
		o.Version, state, o.Revision, o.Entries, o.Report.Read, o.Report.Rejected)
	if o.Refusal != "" {
		fmt.Fprintf(w, "unpinned, it would fail: %s\n", o.Refusal)
	}
}

// PrintFaults prints rules of faults and how often each has happened.
func PrintFaults(w io.Writer, faults []console.Fault, asJSON bool) error {
	if asJSON {
		return PrintJSON(w, faults)
	}
	var rows []table.Row
	for _, f := range faults {
		rows = append(rows, table.Row{f.Rule, f.Injected})
	}
	PrintTable(w, table.Row{"rule", "injected"}, rows)
	return nil
}
