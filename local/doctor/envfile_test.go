//go:build npm

package doctor

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"feedstream/local/platform/manifest"
	"feedstream/local/real"
	"feedstream/shared/config"
)

// TestEnvironmentFile has one file of settings read by everybody who reads one: the shell, the deploy tool after it,
// --env and doctor. Each finds the same values.
func TestEnvironmentFile(t *testing.T) {
	values := []string{`pa$word`, `a"b`, `it's`, `back\slash\n`, ` blanks `, `a#b`, `# c`, `u:p@h/?a=b&c=d`, `a;b|c<d>(e)~*?[f]`, "a`b", `%41`, `a=b`, `!x`,
		`{{a}}`, `$1`, `-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----`, `ümlaut`, `<account id>`, `a%>b`}
	var file, text strings.Builder
	text.WriteString("edition: 3.0.0\nname: x\nresources:\n  one:\n    component: fc3\n    props:\n      region: cn-hangzhou\n" +
		"      functionName: one\n      runtime: custom.debian12\n      code: ./bin/zip/one.zip\n      environmentVariables:\n        EMPTY: ${env('EMPTY', 'is unset')}\n")
	want := map[string]any{"EMPTY": "is unset"}
	for i, value := range values {
		quote := `'`
		if strings.Contains(value, quote) {
			quote = `"`
		}
		fmt.Fprintf(&file, "V%d=%s%s%s\n", i, quote, value, quote)
		fmt.Fprintf(&text, "        V%d: ${env('V%d')}\n", i, i)
		want[fmt.Sprint("V", i)] = value
	}
	file.WriteString("EMPTY=''\n")
	dir := t.TempDir()
	settings, path := filepath.Join(dir, "deploy.env"), filepath.Join(dir, "s.yaml")
	for name, content := range map[string]string{settings: file.String(), path: text.String()} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	read, err := config.ReadFile(settings)
	if err != nil {
		t.Fatal(err)
	}
	i, err := manifest.Inspect(path, func(name string) (string, bool) { v, ok := read[name]; return v, ok })
	if err != nil || len(i.Problems) > 0 {
		t.Fatal(err, i.Problems)
	}
	if diff := cmp.Diff(any(want), i.Value("resources", "one", "props", "environmentVariables")); diff != "" {
		t.Errorf("as --env and doctor take it: %s", diff)
	}

	const vendor = "../platform/manifest/testdata/vendor/"
	pinned, err := os.ReadFile(vendor + "package.json")
	if err != nil {
		t.Fatal(err)
	}
	modules, err := real.NodeModules(t.Context(), "manifest", pinned)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `set -a; . "$0"; set +a; exec node "$@"`, settings,
		vendor+"answer.mjs", modules, "../platform/manifest/fc3-schema.json", path)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	cmd.Stderr = t.Output()
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Refused   string
		Resources map[string]struct{ EnvironmentVariables map[string]any }
	}
	if err := json.Unmarshal(output, &answer); err != nil {
		t.Fatalf("%v in %s", err, output)
	}
	if diff := cmp.Diff(want, answer.Resources["one"].EnvironmentVariables); diff != "" || answer.Refused != "" {
		t.Errorf("as the shell and the deploy tool take it: %s%s", answer.Refused, diff)
	}
	t.Logf("%d values are the same to the shell, the deploy tool, --env and doctor", len(want))
}
