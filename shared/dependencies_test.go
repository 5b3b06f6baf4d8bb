package shared_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDependenciesHaveTheirReason: whoever adds a module says what it is for.
func TestDependenciesHaveTheirReason(t *testing.T) {
	required := matches(t, "../go.mod", `(?m)^\t(\S+) v\S+$`) // an indirect one has a comment behind it
	listed := matches(t, "DEPENDENCIES.md", "(?m)^\\| `(\\S+)` \\| .+ \\| .+ \\|$")
	if len(required) < 10 {
		t.Fatalf("go.mod requires %q: the pattern is broken", required)
	}
	if diff := cmp.Diff(required, listed); diff != "" {
		t.Errorf("DEPENDENCIES.md (-go.mod +list):\n%s", diff)
	}
}

func matches(t *testing.T, path, pattern string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(content), -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	return found
}
