package rules

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// trapCount is how many traps of the platform are known.
const trapCount = 93

// Each known trap of the platform is closed by a rule of this package, by code that a test holds, by a value alone, or
// is open; what is said to close it exists. The counts are printed with -v.
func TestTraps(t *testing.T) {
	content, err := os.ReadFile("traps.tsv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")[1:]
	if len(lines) != trapCount {
		t.Errorf("%d traps, want %d", len(lines), trapCount)
	}
	counts := map[string]int{}
	for _, line := range lines {
		columns := strings.Split(line, "\t")
		if len(columns) != 4 {
			t.Errorf("%q has %d columns", line, len(columns))
			continue
		}
		number, closed, by := columns[0], columns[2], columns[3]
		counts[closed]++
		switch closed {
		case "check":
			if !slices.Contains(Names(), by) {
				t.Errorf("trap %s: no rule %q", number, by)
			}
		case "code":
			if folder, name, _ := strings.Cut(by, " "); !hasTest(t, folder, name) {
				t.Errorf("trap %s: no test %q", number, by)
			}
		case "value", "open":
			if by == "" {
				t.Errorf("trap %s: which value, or why is it open?", number)
			}
		case "not ours":
		default:
			t.Errorf("trap %s: closed by %q", number, closed)
		}
	}
	for _, closed := range []string{"check", "code", "value", "open", "not ours"} {
		t.Logf("%-8s %2d", closed, counts[closed])
	}
}

func hasTest(t *testing.T, folder, name string) bool {
	files, err := filepath.Glob(root + folder + "/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		content, err := os.ReadFile(file)
		return err == nil && strings.Contains(string(content), "\nfunc "+name+"(")
	})
}
