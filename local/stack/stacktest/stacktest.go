// Package stacktest lets tests run stacks: it builds the functions beside a copy of the production
// manifest.
package stacktest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Manifest is the path of a copy of the production s.yaml beside freshly built functions. Main sets it.
var Manifest string

// Main is the TestMain of a package whose tests run stacks.
func Main(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	dir, err := os.MkdirTemp("", "feedstream-test-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the functions:", err)
		return 1
	}
	Manifest = filepath.Join(dir, "s.yaml")
	return m.Run()
}

// build leaves the functions where s.yaml expects them.
func build(dir string) error {
	module, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("find the module: %w", err)
	}
	for _, name := range []string{"enrich", "refresh", "query", "publish"} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "bin", "functions", name, name), "feedstream/functions/"+name)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	content, err := os.ReadFile(filepath.Join(filepath.Dir(strings.TrimSpace(string(module))), "s.yaml"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "s.yaml"), content, 0o600)
}

// OtherNames is the production manifest with another value for every name in it. Those of the table are in lower
// case, which SQL has to quote.
func OtherNames(manifest string) string { return otherNames.Replace(manifest) }

var otherNames = strings.NewReplacer(
	"feed-updates", "other-updates", "feed-records", "other-records", "feed-quarantine", "other-quarantine",
	"feed-deadletter", "other-deadletter", "ConsumerGroup: feed-enrich", "ConsumerGroup: other-group",
	"USER_TEST.STOCK_CODE_INDEX", "other.quote_by_code", "USER_TEST.STOCK", "other.quote",
	"'feed-reference'", "'other-reference'", "stock/", "other/", "MONGODB_DATABASE: reference", "MONGODB_DATABASE: other",
	"MONGODB_COLLECTION: stock", "MONGODB_COLLECTION: quotes",
	"feed-enrich", "other-enrich", "feed-refresh", "other-refresh", "feed-query", "other-query", "feed-publish", "other-publish",
)
