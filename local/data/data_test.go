package data

import (
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
