package page

import (
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
)

// A word of a command line is that word for a shell, whatever is in it.
func TestShell(t *testing.T) {
	for _, word := range []string{
		"2318.HK", "feed-updates/3/17", "", "a b", "'", "it's", "$(id)", "`id`", "a;b", `back\slash`, "*", "~", `"`, "a\nb", "!x", "é", "#c", "a&b|c>d",
	} {
		printed, err := exec.Command("sh", "-c", "printf %s "+shell(word)).Output()
		if err != nil || string(printed) != word {
			t.Errorf("%q is written %s, which is %q to a shell, %v", word, shell(word), printed, err)
		}
	}
	if got := shell("feed-updates/3/17"); got != "feed-updates/3/17" {
		t.Errorf("a plain word is written %s", got)
	}
}

// What a page tells to paste is quoted.
func TestCommandsToPasteAreQuoted(t *testing.T) {
	for fragment, want := range map[string]string{
		"/table rows":     "feedstream query --code &#39;2318.HK; id&#39;",
		"/reference diff": "feedstream reference diff v1 &#39;$(id)&#39;",
	} {
		path, name, _ := strings.Cut(fragment, " ")
		w := httptest.NewRecorder()
		Fragment(w, path, name, map[string]any{
			"Error": "no", "Text": "", "Remedy": "", "Lines": nil, "Code": "2318.HK; id", "Before": "v1", "After": "$(id)",
		})
		if body := w.Body.String(); !strings.Contains(body, want) {
			t.Errorf("%s does not hold %s: %s", fragment, want, body)
		}
	}
}
