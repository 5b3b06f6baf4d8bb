package data

import (
	"strings"
	"testing"

	"feedstream/shared/feed"
)

func TestCodesAreThirtyDifferentStocks(t *testing.T) {
	seen := map[string]bool{}
	for _, code := range Codes() {
		if !feed.ValidStockCode(code) || seen[code] {
			t.Errorf("code %q is none, or stands twice", code)
		}
		seen[code] = true
	}
	if len(seen) != 30 || !seen["2318.HK"] {
		t.Errorf("%d codes, want the 30 of the article", len(seen))
	}
}

func TestParseReference(t *testing.T) {
	for _, test := range []struct{ content, want string }{
		{"", "header"},
		{"Symbol,Name\n", "the header is"},
		{"Symbol,Company Name,Last Price,Volume\na,b,1,many\n", `line 2: the volume "many"`},
		{"Symbol,Company Name,Last Price,Volume\na,b\n", "wrong number of fields"},
	} {
		if _, err := Parse([]byte(test.content)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error = %v, want %s", test.content, err, test.want)
		}
	}
}
