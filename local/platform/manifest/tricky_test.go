package manifest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testdata/tricky holds manifests in which readers may differ. The first line of each says what comes of it: both take
// it, and then to the same values; both refuse it; or the reader refuses what the vendor takes, and why that is better.
// testdata/vendor/answers.jsonl holds what the vendor's own parser and schema made of them; `make manifest` asks again.
const trickyFolder, answersFile = "testdata/tricky", "testdata/vendor/answers.jsonl"

// trickyEnvironment is what the tricky manifests find in the environment.
var trickyEnvironment = map[string]string{"SET": "value", "EMPTY": "", "NUM": "60", "DOLLAR": "pa$word", "PROGRAM": "a${1+1}b"}

// answer is what somebody makes of a manifest: the properties of each resource, or why it is refused.
type answer struct {
	File      string         `json:"file"`
	Refused   string         `json:"refused,omitempty"`
	Resources map[string]any `json:"resources,omitempty"`
}

func readAnswers(t *testing.T, content []byte) map[string]answer {
	t.Helper()
	answers := map[string]answer{}
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatalf("%v in the answer %s", err, lines.Text())
		}
		answers[a.File] = a
	}
	return answers
}

// ours is the reader's answer. An expression without a value is a refusal: so it is to whoever deploys.
func ours(t *testing.T, path string, environment map[string]string) answer {
	t.Helper()
	i, err := Inspect(path, func(name string) (string, bool) { v, ok := environment[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	a := answer{File: filepath.Base(path)}
	for _, p := range i.Problems {
		a.Refused += fmt.Sprintf("%d:%d: %s; ", p.Line, p.Column, p.Text)
	}
	for _, text := range i.Texts() {
		if unresolved := i.Unresolved(text...); len(unresolved) > 0 {
			a.Refused += fmt.Sprintf("%d: %s has no value; ", i.Line(text...), unresolved)
		}
	}
	if a.Refused != "" {
		return a
	}
	resources := map[string]any{}
	for _, id := range i.Resources {
		resources[id] = i.Value("resources", id, "props")
	}
	content, err := json.Marshal(answer{File: a.File, Resources: resources}) // with the numbers of JSON, as the vendor's answer
	if err != nil {
		t.Fatal(err)
	}
	return readAnswers(t, content)[a.File]
}

// difference says where two answers part, or "".
func difference(vendor, ours answer) string {
	switch {
	case vendor.Refused == "" && ours.Refused == "":
		return cmp.Diff(vendor.Resources, ours.Resources)
	case vendor.Refused == "":
		return "the reader refuses it: " + ours.Refused
	case ours.Refused == "":
		return "the vendor refuses it: " + vendor.Refused
	}
	return ""
}

// named is what the first line of a tricky manifest says of it.
func named(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(strings.TrimPrefix(string(content), "\ufeff"), "\n")
	return strings.TrimPrefix(strings.TrimSuffix(line, "\r"), "# ")
}

func TestTrickyManifests(t *testing.T) {
	content, err := os.ReadFile(answersFile)
	if err != nil {
		t.Fatal(err)
	}
	answers := readAnswers(t, content)
	paths, err := filepath.Glob(trickyFolder + "/*.yaml")
	if err != nil || len(paths) != len(answers) {
		t.Fatalf("%d manifests and %d answers, %v: run make manifest", len(paths), len(answers), err)
	}
	for _, path := range paths {
		vendor, ours, said := answers[filepath.Base(path)], ours(t, path, trickyEnvironment), named(t, path)
		found := difference(vendor, ours)
		var held bool
		switch {
		case strings.HasPrefix(said, "Both take it."):
			held = found == "" && ours.Refused == ""
		case strings.HasPrefix(said, "Both refuse it."):
			held = vendor.Refused != "" && ours.Refused != ""
		case strings.HasPrefix(said, "The reader refuses it, the vendor "):
			held = vendor.Refused == "" && ours.Refused != ""
		}
		if !held {
			t.Errorf("%s: %q does not hold\nvendor: %+v\nreader: %+v\n%s", path, said, vendor, ours, found)
		}
	}
}
