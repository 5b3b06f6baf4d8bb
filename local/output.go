package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"

	"feedstream/local/audit"
	"feedstream/local/console"
	"feedstream/local/doctor"
	"feedstream/local/stack"
	"feedstream/shared/feed"
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

func printFaults(w io.Writer, faults []console.Fault, asJSON bool) error {
	if asJSON {
		return printJSON(w, faults)
	}
	var rows []table.Row
	for _, f := range faults {
		rows = append(rows, table.Row{f.Rule, f.Injected})
	}
	printTable(w, table.Row{"rule", "injected"}, rows)
	return nil
}

func found(wrong bool) error {
	if wrong {
		return errFound
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
