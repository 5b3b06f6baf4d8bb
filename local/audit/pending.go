package audit

import (
	"fmt"
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// OldestPending is the pending record that was published first, by the records' timestamps.
type OldestPending struct {
	Partition  int     `json:"partition"`
	Offset     int64   `json:"offset"`
	AgeSeconds float64 `json:"ageSeconds"` // since its timestamp
}

// pendingIsLong is the age from which pending records are more than those of a feed at work.
const pendingIsLong = time.Minute

// notePending keeps the oldest of the records without verdict beyond the commits.
func (a *auditor) notePending(r *kgo.Record, m mark) {
	if m&evidence != 0 || r.Offset < a.commits[int(r.Partition)] {
		return
	}
	age := max(0, a.now.Sub(r.Timestamp).Seconds())
	if oldest := a.report.OldestPending; oldest == nil || age > oldest.AgeSeconds {
		a.report.OldestPending = &OldestPending{Partition: int(r.Partition), Offset: r.Offset, AgeSeconds: age}
	}
}

// pendingLong says what is pending for longer than it takes, empty when nothing is.
func (r *Report) pendingLong() string {
	if r.Pending == 0 || r.OldestPending == nil || r.OldestPending.AgeSeconds < pendingIsLong.Seconds() {
		return ""
	}
	age := time.Duration(r.OldestPending.AgeSeconds) * time.Second
	return fmt.Sprintf("records pending: %d, the oldest is %d:%d, published %s ago", r.Pending, r.OldestPending.Partition,
		r.OldestPending.Offset, age)
}

// renderResult writes whether the audit balances, and what has no verdict and should.
func (r *Report) renderResult(w io.Writer) {
	if r.FailingUnknown != "" {
		fmt.Fprintln(w, "! whether a push keeps failing is not known:", r.FailingUnknown)
	}
	for _, push := range r.Failing {
		fmt.Fprintln(w, "✗", push)
	}
	result := "NOT balanced"
	if r.Balanced {
		result = "balanced"
	}
	switch pending := r.pendingLong(); {
	case pending != "":
		fmt.Fprintf(w, "%s, but %s\n", result, pending)
	case len(r.Failing) > 0:
		fmt.Fprintf(w, "%s, but pushes that keep failing: %d\n", result, len(r.Failing))
	default:
		fmt.Fprintln(w, result)
	}
}
