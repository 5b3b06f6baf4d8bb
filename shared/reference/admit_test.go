package reference_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"feedstream/shared/feed"
	"feedstream/shared/reference"
)

func document(symbol, name, price any) reference.Document {
	return reference.Document{ID: "1", Symbol: symbol, CompanyName: name, LastPrice: price}
}

func TestPrices(t *testing.T) {
	for _, test := range []struct {
		value any
		want  string // "" for no price
	}{
		{nil, ""},
		{float64(0), "0"},
		{math.Copysign(0, -1), "0"},
		{78.25, "78.25"},
		{0.1 + 0.2, "0.3"}, // 0.30000000000000004, truncated
		{1.99999, "1.9999"},
		{1e-5, "0"},
		{1e-300, "0"},
		{99999999999999.0, "99999999999999"},
		{int32(7), "7"},
		{int64(99999999999999), "99999999999999"},
		{reference.Number("78.25000"), "78.25"},
		{reference.Number("7.825E+1"), "78.25"},
		{reference.Number("0E-6176"), "0"},
		{reference.Number("99999999999999.99999"), "99999999999999.9999"},
		{"78.25", "78.25"},
		{"1e3", "1000"},
		{"0.00009", "0"},
	} {
		a := reference.NewAdmission()
		a.Add(document("2318.HK", "Ping An", test.value))
		entries, report := a.Result()
		if report.Admitted != 1 {
			t.Errorf("%v is rejected: %+v", test.value, report.Named)
			continue
		}
		got := ""
		if price := entries["2318.HK"].Price; price != nil {
			got = price.String()
		}
		if got != test.want {
			t.Errorf("%T %v became %q, want %q", test.value, test.value, got, test.want)
		}
	}
}

func TestRejections(t *testing.T) {
	for name, test := range map[string]struct {
		document reference.Document
		want     string
	}{
		"no symbol":           {document(nil, "n", nil), "symbol is absent or null"},
		"symbol is a number":  {document(int32(2318), "n", nil), "symbol is a int32"},
		"symbol is empty":     {document("", "n", nil), "does not match"},
		"symbol has a space":  {document("2318 HK", "n", nil), "does not match"},
		"symbol of 33":        {document(strings.Repeat("s", 33), "n", nil), "does not match"},
		"symbol is not UTF-8": {document("\xff", "n", nil), "does not match"},
		"no name":             {document("a", nil, nil), "CompanyName is absent or null"},
		"empty name":          {document("a", "", nil), "CompanyName is empty"},
		"name of 201":         {document("a", strings.Repeat("贵", 201), nil), "201 characters"},
		"name with a tab":     {document("a", "a\tb", nil), "control character"},
		"name is not UTF-8":   {document("a", "\xff", nil), "not UTF-8"},
		"name is a number":    {document("a", 1.5, nil), "CompanyName is a float64"},
		"NaN":                 {document("a", "n", math.NaN()), "NaN is not a number"},
		"infinite":            {document("a", "n", math.Inf(1)), "not a number"},
		"decimal NaN":         {document("a", "n", reference.Number("NaN")), "not a number"},
		"decimal infinite":    {document("a", "n", reference.Number("-Infinity")), "not a number"},
		"text":                {document("a", "n", "dear"), `"dear" is not a number`},
		"empty text":          {document("a", "n", ""), "not a number"},
		"boolean":             {document("a", "n", true), "a bool is not a number"},
		"negative":            {document("a", "n", -0.01), "negative"},
		"negative and tiny":   {document("a", "n", -1e-9), "negative"},
		"15 integer digits":   {document("a", "n", int64(100000000000000)), "more than 14 integer digits"},
		"huge exponent":       {document("a", "n", reference.Number("1E+6000")), "more than 14 integer digits"},
		"endless":             {document("a", "n", strings.Repeat("9", 65)), "more than 64 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			a := reference.NewAdmission()
			a.Add(test.document)
			entries, report := a.Result()
			if len(entries) != 0 || report.Rejected != 1 || report.Read != 1 {
				t.Fatalf("entries %v, report %+v", entries, report)
			}
			if got := report.Named[0]; got.ID != "1" || !strings.Contains(got.Reason, test.want) {
				t.Errorf("rejected as %+v, want %q", got, test.want)
			}
		})
	}
	a := reference.NewAdmission()
	a.Add(document("a", strings.Repeat("贵", 200), nil))
	if _, report := a.Result(); report.Admitted != 1 {
		t.Errorf("a name of 200 characters is rejected: %+v", report.Named)
	}
}

// A symbol that stands in several documents admits none of them, in whatever order they come.
func TestDuplicateSymbols(t *testing.T) {
	a := reference.NewAdmission()
	for i, symbol := range []string{"A", "B", "A", "C", "A"} {
		a.Add(reference.Document{ID: fmt.Sprint(i), Symbol: symbol, CompanyName: "n"})
	}
	entries, report := a.Result()
	if len(entries) != 2 || report.Admitted != 2 || report.Rejected != 3 || report.Read != 5 {
		t.Errorf("entries %v, report %+v", entries, report)
	}
	named := map[string]bool{}
	for _, d := range report.Named {
		named[d.ID] = d.Symbol == "A"
	}
	if !named["0"] || !named["2"] || !named["4"] {
		t.Errorf("named %+v", report.Named)
	}
}

func TestReportNamesTwentyAndCountsAll(t *testing.T) {
	a := reference.NewAdmission()
	for range 100 {
		a.Add(document(nil, nil, nil))
	}
	if _, report := a.Result(); report.Rejected != 100 || len(report.Named) != 20 {
		t.Errorf("%d rejected, %d named", report.Rejected, len(report.Named))
	}
}

func TestPolicy(t *testing.T) {
	policy := reference.Policy{MinEntries: 10, MaxShrink: 0.2, MaxRejected: 2}
	for _, test := range []struct {
		name                        string
		admitted, rejected, current int
		want                        string // "" when allowed
	}{
		{"first", 10, 0, 0, ""},
		{"too few", 9, 0, 0, "REFERENCE_MIN_ENTRIES"},
		{"as many rejected as allowed", 10, 2, 10, ""},
		{"one rejected too many", 10, 3, 10, "REFERENCE_MAX_REJECTED"},
		{"shrinks by a fifth", 80, 0, 100, ""},
		{"shrinks by more", 79, 0, 100, "REFERENCE_MAX_SHRINK"},
		{"grows", 1000, 0, 10, ""},
		{"emptied", 0, 0, 100, "REFERENCE_MIN_ENTRIES"},
	} {
		report := reference.Report{Read: test.admitted + test.rejected, Admitted: test.admitted, Rejected: test.rejected,
			Named: []reference.RejectedDocument{{ID: "77", Symbol: "X", Reason: "because"}}}
		err := policy.Check(report, test.current)
		if test.want == "" {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		var refused *reference.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "document 77 X: because") {
			t.Errorf("%s: %v, want %s and the report", test.name, err, test.want)
		}
	}
	if err := (reference.Policy{}).Check(reference.Report{Admitted: 1}, 1); err != nil {
		t.Errorf("no loss, none allowed: %v", err)
	}
}

func manyEntries(n int) map[string]feed.Entry {
	entries := make(map[string]feed.Entry, n)
	for i := range n {
		price := feed.Price(i * 1000)
		entries[fmt.Sprintf("S%d", i)] = feed.Entry{Name: fmt.Sprintf("Company %d (Holdings) Public Limited", i), Price: &price}
	}
	return entries
}

func decoded(t testing.TB, entries map[string]feed.Entry) *reference.Snapshot {
	t.Helper()
	snapshot, err := reference.Decode("v", reference.Encode(entries))
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}
