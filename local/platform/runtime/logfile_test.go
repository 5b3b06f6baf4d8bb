package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLogFileKeepsOneBeforeIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.log")
	var shown strings.Builder
	l := &logFile{path: path, prefix: "f", also: &shown, limit: 10}
	for i := range 5 {
		if _, err := fmt.Fprintf(l, "line %d\n", i); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	now, before := read(t, path), read(t, path+".1")
	if now != "line 4\n" || before != "line 2\nline 3\n" {
		t.Errorf("now %q, before %q", now, before)
	}
	if !strings.HasPrefix(shown.String(), "f | line 0\nf | line 1\n") {
		t.Errorf("shown %q", shown.String())
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
