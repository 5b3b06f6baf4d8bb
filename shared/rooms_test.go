// Package shared_test asserts the directions of the module's imports: which room may use which, and
// which client library belongs to which room. A broken direction fails here, with the file.
package shared_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "feedstream/"

// room is a folder of the module and what its files, tests apart, may import.
type room struct {
	dir string // as in design: a folder, or a pattern of path.Match
	// inside lists the module's own packages, as patterns; a package may always import below itself.
	inside []string
	// outside lists modules; nil allows the standard library only, {"*"} everything.
	outside []string
}

// supplementary libraries count as standard: they are maintained with Go itself.
var supplementary = []string{"golang.org/x/sync", "golang.org/x/sys", "golang.org/x/time", "golang.org/x/text"}

// The first room that matches a package decides.
var rooms = []room{
	{dir: "functions/*", inside: []string{"shared/*"}},

	{dir: "shared/feed", outside: []string{"github.com/cockroachdb/apd"}},
	{dir: "shared/trigger", inside: []string{"shared/feed"}, outside: []string{"github.com/goccy/go-json"}},
	{dir: "shared/reference", inside: []string{"shared/feed"}, outside: []string{"github.com/cockroachdb/apd"}},
	{dir: "shared/phoenix", inside: []string{"shared/feed"}, outside: []string{"github.com/cockroachdb/apd"}},
	{dir: "shared/hbase", inside: []string{"shared/feed", "shared/phoenix"},
		outside: []string{"github.com/tsuna/gohbase", "github.com/go-zookeeper/zk", "google.golang.org/protobuf"}},
	{dir: "shared/kafka", inside: []string{"shared/feed"}, outside: []string{"github.com/segmentio/kafka-go"}},
	{dir: "shared/oss", inside: []string{"shared/feed", "shared/reference"},
		outside: []string{"github.com/aliyun/aliyun-oss-go-sdk"}},
	{dir: "shared/mongo", inside: []string{"shared/feed", "shared/reference"},
		outside: []string{"go.mongodb.org/mongo-driver/v2"}},
	{dir: "shared/fc", inside: []string{"shared/build"}},
	{dir: "shared/build"},
	{dir: "shared/problem"},
	{dir: "shared/config", outside: []string{"github.com/caarlos0/env"}},
	{dir: "shared/*/*test", inside: []string{"shared/*"}, outside: []string{"*"}},

	// The platform writes the wire from the documents: sharing code with the functions' side would
	// let one mistake pass on both.
	{dir: "local/platform", inside: []string{"local/platform/*"}, outside: []string{"*"}},
	{dir: "local/platform/*", inside: []string{"local/platform/*"}, outside: []string{"*"}},
	{dir: "local/services/fault"},
	{dir: "local/services/patient"},
	{dir: "local/services/*", inside: []string{"local/services/fault", "local/services/patient"}, outside: []string{"*"}},
	{dir: "local/services/*/*/*", inside: []string{"local/services/*/*/*"}, outside: []string{"*"}},
	{dir: "local/console", inside: []string{"local/platform", "local/console"}, outside: []string{"*"}},
	{dir: "local/compose/*", inside: []string{"local/real", "local/services/*"}},
	{dir: "local/real/child"},
	{dir: "local/stack/stacktest"},
	{dir: "local", inside: []string{"shared/*", "local/*", "local/*/*"}, outside: []string{"*"}},
	{dir: "local/*", inside: []string{"shared/*", "local/*", "local/*/*"}, outside: []string{"*"}},
}

// onlyIn ties each client library to its room: nobody else below shared/ and functions/ uses it.
var onlyIn = map[string]string{
	"github.com/tsuna/gohbase":            "shared/hbase",
	"github.com/segmentio/kafka-go":       "shared/kafka",
	"github.com/aliyun/aliyun-oss-go-sdk": "shared/oss",
	"go.mongodb.org/mongo-driver/v2":      "shared/mongo",
}

// impure packages never appear in the domain and the codecs.
var impure = map[string][]string{
	"shared/feed":    {"context", "net", "os", "net/http", "os/exec"},
	"shared/phoenix": {"context", "net", "os", "net/http", "os/exec"},
}

func TestImportDirections(t *testing.T) {
	checked := 0
	for _, file := range sourceFiles(t, "..") {
		checked++
		for _, problem := range judge(file.dir, file.imports) {
			t.Errorf("%s: %s", file.name, problem)
		}
	}
	if checked < 20 {
		t.Fatalf("only %d files were read: the walk is broken", checked)
	}
}

// TestJudge proves that a broken direction is found.
func TestJudge(t *testing.T) {
	for _, test := range []struct {
		dir, imported string
		allowed       bool
	}{
		{"shared/feed", "time", true},
		{"shared/feed", "net/http", false},
		{"shared/feed", "feedstream/shared/trigger", false},
		{"shared/trigger", "feedstream/shared/feed", true},
		{"shared/hbase", "github.com/tsuna/gohbase/hrpc", true},
		{"shared/hbase", "feedstream/shared/kafka", false},
		{"shared/fc", "golang.org/x/sync/semaphore", true},
		{"shared/fc", "github.com/tsuna/gohbase", false},
		{"functions/enrich", "feedstream/shared/phoenix", true},
		{"functions/enrich", "feedstream/functions/query", false},
		{"functions/enrich", "feedstream/local/platform", false},
		{"functions/enrich", "github.com/tsuna/gohbase", false},
		{"local/platform", "feedstream/shared/trigger", false},
		{"local/platform", "feedstream/shared/fc", false},
		{"local/services/oss", "feedstream/shared/oss", false},
		{"local", "feedstream/local/services/oss", true},
		{"elsewhere", "time", false},
	} {
		problems := judge(test.dir, []string{test.imported})
		if got := len(problems) == 0; got != test.allowed {
			t.Errorf("%s imports %s: allowed = %v, want %v %q", test.dir, test.imported, got, test.allowed, problems)
		}
	}
}

type sourceFile struct {
	name, dir string
	imports   []string
}

func sourceFiles(t *testing.T, root string) []sourceFile {
	t.Helper()
	var files []sourceFile
	for _, top := range []string{"functions", "shared", "local"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, name)
			if err != nil {
				return err
			}
			file := sourceFile{name: filepath.ToSlash(rel), dir: path.Dir(filepath.ToSlash(rel))}
			for _, spec := range parsed.Imports {
				imported, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					return err
				}
				file.imports = append(file.imports, imported)
			}
			files = append(files, file)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func judge(dir string, imports []string) (problems []string) {
	r, found := roomOf(dir)
	if !found {
		return []string{dir + " is no room of the design: add it to the table, or move the file"}
	}
	for _, imported := range imports {
		if own, ok := strings.CutPrefix(imported, module); ok {
			if !matchesAny(r.inside, own) && !strings.HasPrefix(own, dir+"/") {
				problems = append(problems, dir+" must not import "+own)
			}
			continue
		}
		if standard(imported) {
			if slices.Contains(impure[dir], imported) {
				problems = append(problems, dir+" is pure and must not import "+imported)
			}
			continue
		}
		if !hasPrefixAny(r.outside, imported) {
			problems = append(problems, dir+" must not import "+imported)
		}
		for library, owner := range onlyIn {
			if within(imported, library) && !strings.HasPrefix(dir, "local") && !within(dir, owner) {
				problems = append(problems, library+" belongs to "+owner+", not to "+dir)
			}
		}
	}
	return problems
}

func roomOf(dir string) (room, bool) {
	for _, r := range rooms {
		if ok, _ := path.Match(r.dir, dir); ok {
			return r, true
		}
	}
	return room{}, false
}

func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".") || hasPrefixAny(supplementary, imported)
}

func matchesAny(patterns []string, s string) bool {
	for _, pattern := range patterns {
		if ok, _ := path.Match(pattern, s); ok {
			return true
		}
	}
	return false
}

func hasPrefixAny(modules []string, imported string) bool {
	for _, m := range modules {
		if m == "*" || within(imported, m) {
			return true
		}
	}
	return false
}

// within reports whether a path is a folder or lies in it.
func within(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }
