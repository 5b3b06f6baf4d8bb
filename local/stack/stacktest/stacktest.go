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
