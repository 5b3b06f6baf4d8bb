package feed

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWithout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringMatching(`[ -~]{0,40}`), rapid.StringMatching(`[ -~]{0,20}[\x00-\x{ff}]?[ -~]{0,20}`)).Draw(t, "text")
		want := !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x80 || r == '"' || r == '\\' })
		if got := without(text, '"', '\\'); got != want {
			t.Fatalf("%q: %v", text, got)
		}
	})
	for c := range 256 {
		for _, around := range []string{"", "a", "aaaaaaa", "aaaaaaaaaaaaaaaa"} {
			text := around + string([]byte{byte(c)}) + around
			if got, want := without(text, '|', 0x7f), c >= ' ' && c < 0x7f && c != '|'; got != want {
				t.Errorf("%q: %v", text, got)
			}
		}
	}
}
