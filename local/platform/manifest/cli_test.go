//go:build npm

package manifest

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"feedstream/local/real"
)

// TestDeploy runs the deploy tool itself on s.yaml, with a component that says what it is asked for in place of the one
// that talks to the cloud: the zips are built first, the first snapshot is made before the stream starts.
func TestDeploy(t *testing.T) {
	pinned, err := os.ReadFile("testdata/vendor/cli/package.json")
	must(t, err)
	tool, err := real.NodeModules(t.Context(), "deploy", pinned)
	must(t, err)
	home, app := t.TempDir(), t.TempDir()
	said := filepath.Join(app, "said")
	for _, name := range []string{"fc3@0.1.22", "fc3-domain"} {
		component := filepath.Join(home, ".s", "components", "devsapp.cn", "v3", name)
		must(t, os.MkdirAll(component, 0o755))
		source, err := os.ReadFile("testdata/vendor/cli/component.js")
		must(t, err)
		must(t, os.WriteFile(filepath.Join(component, "index.js"), source, 0o600))
		must(t, os.WriteFile(filepath.Join(component, "package.json"), []byte(`{"main":"index.js"}`), 0o600))
		must(t, os.WriteFile(filepath.Join(component, ".s.lock"), []byte(`{"version":"0.1.22","lastUpdateCheck":32503680000000}`), 0o600))
	}
	must(t, os.MkdirAll(filepath.Join(app, "bin", "zip"), 0o755))
	must(t, os.WriteFile(filepath.Join(app, "s.yaml"), []byte(production(t)), 0o600))
	must(t, os.WriteFile(filepath.Join(app, "Makefile"), []byte("zips:\n\t@echo zips >> $(SAID)\n"), 0o600))

	cmd := exec.CommandContext(t.Context(), filepath.Join(tool, "node_modules", ".bin", "s"), "deploy", "-y")
	cmd.Dir = app
	cmd.Env = []string{"HOME=" + home, "SAID=" + said, "PATH=" + filepath.Join(tool, "node_modules", ".bin") + ":" + os.Getenv("PATH"),
		"AccountID=1", "AccessKeyID=id", "AccessKeySecret=secret"}
	for name, value := range filled {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	content, err := os.ReadFile(said)
	must(t, err)
	steps := strings.Split(strings.TrimSpace(string(content)), "\n")
	slices.Sort(steps[1:min(5, len(steps))]) // those side by side come in any order
	if want := []string{"zips",
		"deploy feed-publish", "deploy feed-query", "deployed feed-publish", "deployed feed-query",
		"deploy feed-refresh", "deployed feed-refresh", `invoke feed-refresh {"action":"refresh"}`,
		"deploy feed-enrich", "deployed feed-enrich"}; !slices.Equal(steps, want) {
		t.Errorf("the tool did\n%s\nwant\n%s", strings.Join(steps, "\n"), strings.Join(want, "\n"))
	}
	t.Logf("s deploy:\n%s", content)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
