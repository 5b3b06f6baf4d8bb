package cron

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	for _, test := range []struct{ expression, after, want string }{
		{"@every 5m", "2026-11-24T02:56:40Z", "2026-11-24T03:01:40Z"},
		{"@every 90s", "2026-11-24T02:56:40Z", "2026-11-24T02:58:10Z"},
		{"0 0 4 * * *", "2026-11-24T04:00:00Z", "2026-11-25T04:00:00Z"},
		{"*/10 * * * * *", "2026-11-24T04:00:01Z", "2026-11-24T04:00:10Z"},
		{"0 30 8 1 JAN *", "2026-11-24T00:00:00Z", "2027-01-01T08:30:00Z"},
		{"0 0 0 29 2 *", "2026-11-24T00:00:00Z", "2028-02-29T00:00:00Z"},
		// 2026-11-24 is a Tuesday. Days of the week count from 1 (MON) to 7 (SUN).
		{"0 0 0 ? * 1", "2026-11-24T00:00:00Z", "2026-11-30T00:00:00Z"},
		{"0 0 0 ? * MON", "2026-11-24T00:00:00Z", "2026-11-30T00:00:00Z"},
		{"0 0 0 ? * 7", "2026-11-24T00:00:00Z", "2026-11-29T00:00:00Z"},
		{"0 0 0 ? * sun", "2026-11-24T00:00:00Z", "2026-11-29T00:00:00Z"},
		{"0 0 0 ? * 6-7", "2026-11-24T00:00:00Z", "2026-11-28T00:00:00Z"},
		{"0 0 0 ? * 3,5", "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"},
		{"0 0 0 ? * 4/2", "2026-11-24T00:00:00Z", "2026-11-26T00:00:00Z"},
		{"CRON_TZ=Asia/Shanghai 0 0 9 * * *", "2026-11-24T00:00:00Z", "2026-11-24T01:00:00Z"},
		// The clocks of New York go forward on 2027-03-14: 02:30 does not come, and back on 2026-11-01.
		{"CRON_TZ=America/New_York 0 0 12 * * *", "2027-03-13T18:00:00Z", "2027-03-14T16:00:00Z"},
		{"CRON_TZ=America/New_York 0 0 12 * * *", "2026-10-31T17:00:00Z", "2026-11-01T17:00:00Z"},
	} {
		after, err := time.Parse(time.RFC3339, test.after)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(test.expression)
		if err != nil {
			t.Errorf("%s: %v", test.expression, err)
			continue
		}
		if got := s.Next(after).UTC().Format(time.RFC3339); got != test.want {
			t.Errorf("%s after %s is %s, want %s", test.expression, test.after, got, test.want)
		}
	}
}

func TestErrorsSayWhatToWrite(t *testing.T) {
	for expression, want := range map[string]string{
		"":                              "six",
		"0 0 * * *":                     "5 fields",
		"0 0 0 * * * *":                 "7 fields",
		"@every":                        "six",
		"@every soon":                   "@every 4m",
		"@every 10ms":                   "at least 1s",
		"@every -5m":                    "at least 1s",
		"60 0 0 * * *":                  "in range",
		"0 0 24 * * *":                  "in range",
		"0 0 0 31 2 *":                  "no such day",
		"0 0 0 ? * 0":                   "1 (MON) to 7 (SUN)",
		"0 0 0 ? * 8":                   "1 (MON) to 7 (SUN)",
		"0 0 0 ? * 6-2":                 "runs backwards",
		"0 0 0 ? * */0":                 "no positive number",
		"CRON_TZ=Mars/Base 0 0 0 * * *": "time zone",
		"CRON_TZ= 0 0 0 * * *":          "time zone",
		"CRON_TZ=Local 0 0 0 * * *":     "time zone",
	} {
		if _, err := Parse(expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error = %v, want %s", expression, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("0 0 4 * * *")
	f.Add("@every 5m")
	f.Add("CRON_TZ=Asia/Shanghai 0 0 9 ? JAN-MAR 1/2,SUN")
	after := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, expression string) {
		s, err := Parse(expression)
		if err != nil {
			return
		}
		if next := s.Next(after); !next.IsZero() && !next.After(after) {
			t.Errorf("%q fires at %s, not after %s", expression, next, after)
		}
	})
}

// The zones come with the program: a machine without any of its own, such as a slim container, knows them.
func TestZonesAreBuiltIn(t *testing.T) {
	built, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Fields(string(built)), "time/tzdata") {
		t.Error("time/tzdata is not part of the program")
	}
}
