package reference

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"feedstream/shared/feed"
)

// Policy says when a refresh is refused as a whole.
type Policy struct {
	MinEntries  int
	MaxShrink   float64 // largest fraction of the current entries that may vanish at once
	MaxRejected int
	// MaxPriceChange is the largest fraction by which a price may change at once; 0 allows every change.
	MaxPriceChange float64
}

// PriceJump is a price that changed by more than the policy allows.
type PriceJump struct {
	Symbol string `json:"symbol"`
	From   string `json:"from"`
	To     string `json:"to"`
}

// RefusedError says why a refresh was refused; nothing was written. It carries the report.
type RefusedError struct {
	Problems []string
	Report   Report
}

func (e *RefusedError) Error() string {
	text := fmt.Sprintf("the refresh is refused, the current snapshot stays: %s (read %d, admitted %d, rejected %d)",
		strings.Join(e.Problems, "; "), e.Report.Read, e.Report.Admitted, e.Report.Rejected)
	for _, d := range e.Report.Named {
		text += fmt.Sprintf("; document %s %s: %s", d.ID, d.Symbol, d.Reason)
	}
	for _, j := range e.Report.Jumps {
		text += fmt.Sprintf("; the price of %s would go from %s to %s", j.Symbol, j.From, j.To)
	}
	return text
}

// Compare adds to a report the prices that jump between the content announced before, nil when there is
// none, and the entries now admitted. A price that is new or gone is no jump; one that was 0 has no
// fraction, so every other is one.
func (p Policy) Compare(report *Report, before *Snapshot, entries map[string]feed.Entry) {
	if p.MaxPriceChange == 0 || before == nil {
		return
	}
	for _, code := range slices.Sorted(maps.Keys(entries)) {
		old, known := before.Lookup(code)
		entry := entries[code]
		if !known || old.Price == nil || entry.Price == nil {
			continue
		}
		change := math.Abs(float64(*entry.Price - *old.Price))
		if change <= p.MaxPriceChange*float64(*old.Price) {
			continue
		}
		report.Jumped++
		if len(report.Jumps) < maxNamed {
			report.Jumps = append(report.Jumps, PriceJump{code, old.Price.String(), entry.Price.String()})
		}
	}
}

// Check returns a *RefusedError when the policy forbids to announce what was admitted and compared.
// current is the number of entries now announced, 0 when there are none.
func (p Policy) Check(report Report, current int) error {
	var problems []string
	if report.Rejected > p.MaxRejected {
		problems = append(problems, fmt.Sprintf("%d documents were rejected, REFERENCE_MAX_REJECTED allows %d",
			report.Rejected, p.MaxRejected))
	}
	if report.Admitted < p.MinEntries {
		problems = append(problems, fmt.Sprintf("%d entries are fewer than REFERENCE_MIN_ENTRIES, %d",
			report.Admitted, p.MinEntries))
	}
	if lost := current - report.Admitted; float64(lost) > p.MaxShrink*float64(current) {
		problems = append(problems, fmt.Sprintf("from %d entries to %d is a larger loss than REFERENCE_MAX_SHRINK, "+
			"%g, allows: accept the shrink if it is meant", current, report.Admitted, p.MaxShrink))
	}
	if report.Jumped > 0 {
		problems = append(problems, fmt.Sprintf("%d prices change by more than REFERENCE_MAX_PRICE_CHANGE, "+
			"%g, allows: accept the prices if they are meant", report.Jumped, p.MaxPriceChange))
	}
	if problems == nil {
		return nil
	}
	return &RefusedError{Problems: problems, Report: report}
}
