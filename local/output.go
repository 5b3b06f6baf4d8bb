package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"feedstream/local/audit"
	"feedstream/local/doctor"
	"feedstream/local/stack"
	"feedstream/shared/feed"
	"feedstream/shared/reference"
)

// errFound ends a command with exit code 1 after it has printed what it found itself.
var errFound = errors.New("something was found wrong")

// printJSON prints any answer for machines.
func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

func printTable(w io.Writer, header table.Row, rows []table.Row) {
	out := table.NewWriter()
	out.SetOutputMirror(w)
	out.AppendHeader(header)
	out.AppendRows(rows)
	out.Render()
}

// printReport ends the command with exit code 1 when the audit does not balance.
func printReport(w io.Writer, report *audit.Report, asJSON bool) error {
	if asJSON {
		if err := printJSON(w, report); err != nil {
			return err
		}
	} else {
		report.Render(w)
	}
	return found(!report.Balanced)
}

func printDrained(w io.Writer, drained *stack.Drained, asJSON bool) error {
	if asJSON {
		if err := printJSON(w, drained); err != nil {
			return err
		}
		return found(!drained.Balanced)
	}
	err := printReport(w, &drained.Report, false)
	fmt.Fprintf(w, "\n%.0f records/s over %.1f s; CPU seconds per million records: feedstream %.1f, functions %.1f\n",
		drained.Speed.RecordsPerSecond, drained.Speed.Seconds, drained.Speed.CPUFeedstream, drained.Speed.CPUFunctions)
	return err
}

func printFindings(w io.Writer, findings []doctor.Finding, asJSON bool) error {
	if asJSON {
		if err := printJSON(w, findings); err != nil {
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
	return found(doctor.Problems(findings) != nil)
}

func found(wrong bool) error {
	if wrong {
		return errFound
	}
	return nil
}

// printPage prints what the query function answers: a page of rows, or one row.
func printPage(w io.Writer, body []byte, single bool) error {
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
	printRows(w, page.Items)
	if page.Skipped > 0 {
		fmt.Fprintf(w, "%d rows that another writer left incomplete are left out; see the function's log\n", page.Skipped)
	}
	if page.Next != "" {
		fmt.Fprintf(w, "there are more: --cursor %s\n", page.Next)
	}
	return nil
}

func printRows(w io.Writer, records []feed.Record) {
	var rows []table.Row
	for _, r := range records {
		price := ""
		if r.LastPrice != nil {
			price = r.LastPrice.String()
		}
		rows = append(rows, table.Row{r.RowKey(), feed.FormatTime(r.Time), r.StockName, price, r.Matched, r.ReferenceVersion})
	}
	printTable(w, table.Row{"row key", "time", "name", "price", "matched", "reference"}, rows)
}

func printVersions(w io.Writer, versions []reference.Version) {
	var rows []table.Row
	for _, v := range versions {
		written := v.Written.Format(time.RFC3339)
		if v.Missing {
			written = "MISSING"
		}
		rows = append(rows, table.Row{v.Version, v.State, v.Object, v.Bytes, written})
	}
	printTable(w, table.Row{"version", "state", "object", "bytes", "written"}, rows)
}

func printDifferences(w io.Writer, differences []reference.Difference) {
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
	printTable(w, table.Row{"change", "code", "name before", "price before", "name after", "price after"}, rows)
}

// printOutcome prints what the refresh function answers.
func printOutcome(w io.Writer, o reference.Outcome) {
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
