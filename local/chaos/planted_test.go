package chaos_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"feedstream/local/chaos"
	"feedstream/local/stack"
	"feedstream/local/stack/stacktest"
)

// mistake is one that somebody could make, as a change of one file of the module.
type mistake struct {
	name     string
	file     string
	old, new string   // old stands in the file once
	beside   string   // a file that comes into its package
	rules    []string // that bring it out; none means all
}

// wrapped is a mistake around the push of enrich: the function planted, and what it needs.
func wrapped(name, planted string, rules ...string) mistake {
	return mistake{name: name, rules: rules, file: "functions/enrich/main.go", old: "told.Flushing(enricher.Push)", new: "told.Flushing(planted(enricher.Push))",
		beside: "package main\n\nimport (\n\t\"context\"\n\t\"sync\"\n)\n\nvar _ sync.Mutex\n\n" +
			"func planted(push func(context.Context, []byte) ([]byte, error)) func(context.Context, []byte) ([]byte, error) {\n" + planted + "\n}\n"}
}

// ofEnrich are mistakes in the function.
var ofEnrich = []mistake{
	{name: "skip the index phase", file: "shared/hbase/write.go",
		old: `"index", rows{index, batch.Index(), data.acknowledged}`, new: `"index", rows{index, batch.Index(), data.acknowledged[:0]}`},
	{name: "merge by arrival", file: "functions/enrich/merge.go",
		old: "v.record.Supersedes(&verdicts[*known].record)", new: "known != nil",
		rules: []string{"clock -30s 10%", "push.throttle 50%", "enrich.kill after 50%"}}, // out of order is what senders are rarely

	wrapped("acknowledge before the sinks", `
	return func(ctx context.Context, body []byte) ([]byte, error) {
		go push(context.WithoutCancel(ctx), body)
		return []byte("{}"), nil
	}`),
	wrapped("count attempts in memory", `
	var mu sync.Mutex
	tries := map[string]int{}
	return func(ctx context.Context, body []byte) ([]byte, error) {
		mu.Lock()
		tries[string(body)]++
		n := tries[string(body)]
		mu.Unlock()
		if n > 3 {
			return []byte("{}"), nil
		}
		return push(ctx, body)
	}`, "enrich.kill 1x", "oss.get before error ServiceUnavailable"), // what fails push after push at once

	wrapped("drop on retry", `
	var mu sync.Mutex
	tried := map[string]bool{}
	return func(ctx context.Context, body []byte) ([]byte, error) {
		mu.Lock()
		again := tried[string(body)]
		tried[string(body)] = true
		mu.Unlock()
		if again {
			return []byte("{}"), nil
		}
		return push(ctx, body)
	}`),
}

// mostRuns is within how many runs a mistake must be found, each with a seed of its own and so long.
const (
	mostRuns  = 20
	plantTime = 5 * time.Second
)

// The audit finds each mistake that somebody could make in the function within a few runs.
func TestMistakesAreFound(t *testing.T) {
	var mu sync.Mutex
	out := table.NewWriter()
	out.SetStyle(table.StyleLight)
	out.AppendHeader(table.Row{"mistake", "found in run", "by"})
	t.Run("runs", func(t *testing.T) {
		for _, m := range ofEnrich {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				n, how := foundIn(t, buildWith(t, m), m.rules)
				mu.Lock()
				defer mu.Unlock()
				out.AppendRow(table.Row{m.name, n, how})
			})
		}
	})
	t.Logf("\n%s", out.Render())
}

// foundIn is the run of which the audit does not balance, and what it says.
func foundIn(t *testing.T, manifest string, rules []string) (int, string) {
	t.Helper()
	for n := 1; n <= mostRuns; n++ {
		result, err := chaos.Run(t.Context(), chaos.Config{
			Stack: stack.Config{Manifest: manifest, Data: t.TempDir()}, Seed: uint64(n), Duration: plantTime, Rate: 2000, Rules: rules,
		})
		must(t, err)
		if !result.Balanced {
			return n, fmt.Sprintf("records missing %d; rows missing %d, wrong %d, without output record %d; index rows missing %d, astray %d",
				result.Missing, result.Table.Missing, result.Table.Wrong, result.Table.Strays, result.Index.Missing, result.Index.Strays)
		}
	}
	t.Fatalf("%d runs with the mistake balance", mostRuns)
	return 0, ""
}

// A mistake of the platform is one of this process: it is found by a program of its own that holds it.
func TestACommitBeyondAGapIsFound(t *testing.T) {
	m := mistake{file: "local/platform/stream/progress.go",
		old: "for len(p.marks) > 0 && p.marks[0].done {\n\t\tp.low = p.marks[0].next\n\t\tp.marks = p.marks[1:]\n\t}",
		new: "p.low = max(p.low, m.next)\n\tfor len(p.marks) > 0 && p.marks[0].done {\n\t\tp.marks = p.marks[1:]\n\t}"}
	program := filepath.Join(t.TempDir(), "chaos.test")
	build := exec.Command("go", "test", "-c", "-overlay", overlay(t, m), "-o", program, "./local/chaos")
	build.Dir = root(t)
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build with the mistake: %v\n%s", err, text)
	}
	for n := 1; n <= mostRuns; n++ {
		run := exec.Command(program, "-test.run", "^TestChaos$", "-test.timeout", "3m", "-chaos.seed", strconv.Itoa(n),
			"-chaos.duration", "3s", "-chaos.rate", "8000", "-chaos.rules", "push.throttle 60%")
		if text, err := run.CombinedOutput(); err != nil {
			if !strings.Contains(string(text), "the audit does not balance") {
				t.Fatalf("seed %d: %v\n%s", n, err, text)
			}
			t.Logf("commit beyond a gap: found in run %d", n)
			return
		}
	}
	t.Errorf("%d runs with the mistake balance", mostRuns)
}

// No audit knows what a price was to be: that a snapshot is verified before it is served, the reference's tests hold.
func TestAnUnverifiedSnapshotIsFound(t *testing.T) {
	m := mistake{file: "shared/reference/manifest.go", old: "sha != m.SHA256 {", new: "len(sha) != len(m.SHA256) {"}
	tests := exec.Command("go", "test", "-overlay", overlay(t, m), "-count=1", "-timeout", "3m", "./shared/reference")
	tests.Dir = root(t)
	text, err := tests.CombinedOutput()
	if failed := regexp.MustCompile(`(?m)^--- FAIL: (\w+)`).FindSubmatch(text); err == nil || failed == nil {
		t.Errorf("%v; want a test that fails:\n%s", err, text)
	} else {
		t.Logf("serve an unverified snapshot: found by %s", failed[1])
	}
}

// buildWith makes a manifest whose enrich has the mistake.
func buildWith(t *testing.T, m mistake) string {
	t.Helper()
	dir, good := t.TempDir(), filepath.Dir(stacktest.Manifest)
	functions := filepath.Join(dir, "bin", "functions")
	must(t, os.MkdirAll(filepath.Join(functions, "enrich"), 0o755))
	for _, name := range []string{"refresh", "query", "publish"} {
		must(t, os.Symlink(filepath.Join(good, "bin", "functions", name), filepath.Join(functions, name)))
	}
	must(t, os.Symlink(stacktest.Manifest, filepath.Join(dir, "s.yaml")))
	cmd := exec.Command("go", "build", "-overlay", overlay(t, m), "-o", filepath.Join(functions, "enrich", "enrich"), "./functions/enrich")
	cmd.Dir = root(t)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build with the mistake: %v\n%s", err, text)
	}
	return filepath.Join(dir, "s.yaml")
}

// overlay has go build see the module with the mistake, and returns the path of the file that says so.
func overlay(t *testing.T, m mistake) string {
	t.Helper()
	dir, path := t.TempDir(), filepath.Join(root(t), m.file)
	content, err := os.ReadFile(path)
	must(t, err)
	if n := bytes.Count(content, []byte(m.old)); n != 1 {
		t.Fatalf("%s holds %d times what the mistake changes, want once:\n%s", m.file, n, m.old)
	}
	replaced := map[string]string{path: filepath.Join(dir, "changed.go")}
	must(t, os.WriteFile(replaced[path], bytes.Replace(content, []byte(m.old), []byte(m.new), 1), 0o600))
	if m.beside != "" {
		beside := filepath.Join(filepath.Dir(path), "planted.go")
		replaced[beside] = filepath.Join(dir, "planted.go")
		must(t, os.WriteFile(replaced[beside], []byte(m.beside), 0o600))
	}
	text, err := json.Marshal(map[string]any{"Replace": replaced})
	must(t, err)
	name := filepath.Join(dir, "overlay.json")
	must(t, os.WriteFile(name, text, 0o600))
	return name
}

// root is the folder of the module.
func root(t *testing.T) string {
	t.Helper()
	text, err := exec.Command("go", "env", "GOMOD").Output()
	must(t, err)
	return filepath.Dir(strings.TrimSpace(string(text)))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
