package reference

import (
	"fmt"
	"strings"
)

// Policy says when a refresh is refused as a whole.
type Policy struct {
	MinEntries  int
	MaxShrink   float64 // largest fraction of the current entries that may vanish at once
	MaxRejected int
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
	return text
}

// Check returns a *RefusedError when the policy forbids to announce what was admitted. current is
// the number of entries now announced, 0 when there are none.
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
			"%g, allows",
			current, report.Admitted, p.MaxShrink))
	}
	if problems == nil {
		return nil
	}
	return &RefusedError{Problems: problems, Report: report}
}
