package audit

import (
	"testing"
	"time"
)

// A record lies between two bounds as an audit takes them: from is inclusive, to is not.
func TestBetween(t *testing.T) {
	for _, test := range []struct {
		from, to string
		want     bool
	}{
		{"", "", true},
		{"1:5", "", true}, {"1:6", "", false}, {"0:0", "", false},
		{"", "1:6", true}, {"", "1:5", false}, {"", "0:9", false},
		{"2026-11-23T12:00:00Z", "", true}, {"2026-11-23T12:00:01Z", "", false},
		{"", "2026-11-23T12:00:01Z", true}, {"", "2026-11-23T12:00:00Z", false},
		{"1:0", "2026-11-23T12:00:01Z", true}, {"2026-11-23T12:00:00Z", "2:9", false},
	} {
		from, err := ParseBound(test.from)
		to, err2 := ParseBound(test.to)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if got := Between(from, to, origin(1, 5), time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)); got != test.want {
			t.Errorf("from %q to %q: %v", test.from, test.to, got)
		}
	}
}
