package audit

import (
	"strings"
	"testing"

	"feedstream/local/target"
)

// The oldest of the pending records is named, and a balance over records that wait for long says so.
func TestPendingRecordsAreTold(t *testing.T) {
	s := startKafka(t)
	balancedWorld().write(t, s)
	report := run(t, s, nil, "", "")
	oldest := report.OldestPending
	if report.Pending != 1 || oldest == nil || oldest.Partition != 0 || oldest.Offset != 9 || oldest.AgeSeconds <= 0 {
		t.Fatalf("oldest = %+v of %d", oldest, report.Pending)
	}
	text := func() string {
		var b strings.Builder
		report.Render(&b)
		return b.String()
	}
	oldest.AgeSeconds = 59
	if got := text(); !strings.HasSuffix(got, "\nbalanced\n") {
		t.Errorf("of a feed at work:\n%s", got)
	}
	oldest.AgeSeconds = 123.4
	if got := text(); !strings.HasSuffix(got, "\nbalanced, but records pending: 1, the oldest is 0:9, published 2m3s ago\n") {
		t.Errorf("of a feed that hangs:\n%s", got)
	}
	oldest.AgeSeconds = 5
	report.Failing = []target.Failing{{Topic: topics.Input, Offset: 9, Records: 1, Attempts: 3, Error: "Message Size Too Large"}}
	got := text()
	if !strings.HasSuffix(got, "\nbalanced, but pushes that keep failing: 1\n") || !strings.Contains(got, "Message Size Too Large") {
		t.Errorf("of a push that keeps failing:\n%s", got)
	}
}
