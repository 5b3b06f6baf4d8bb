// Package shared_test asserts the directions of the module's imports: which package may use which, and
// which client library belongs to which. A broken direction fails here, with the file, tests included.
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

// rule is a folder of the module and what its files may import.
type rule struct {
	dir string // as in the design: a folder, or a pattern of path.Match
	// inside lists the module's own packages, as patterns; a package may import below itself too, but for
	// the packages of the command, which lie below its main package.
	inside []string
	// outside lists modules; nil allows the standard library only, {"*"} everything. Tests may use any
	// library that does not belong to another package.
	outside []string
	// tests lists own packages that only its tests may import, besides the helpers of all tests.
	tests []string
}

// supplementary libraries count as standard: they are maintained with Go itself.
var supplementary = []string{"golang.org/x/sync", "golang.org/x/sys", "golang.org/x/time", "golang.org/x/text"}

const (
	testkit = "shared/testkit"
	kits    = "shared/*/*test" // conformance suites and doubles
)

var anything = []string{"*"}

// The first rule that matches a package decides. One for a package that is not there does no harm.
var rules = []rule{
	{dir: "functions/*", inside: []string{"shared/*"}, tests: []string{kits}},

	{dir: "shared", tests: []string{"shared/*"}},
	{dir: "shared/address"},
	{dir: "shared/build"},
	{dir: "shared/config", inside: []string{"shared/address"}, outside: []string{"github.com/caarlos0/env"}},
	{dir: "shared/fc", inside: []string{"shared/build"}},
	{dir: "shared/feed"},
	{dir: "shared/hbase", inside: []string{"shared/address", "shared/feed", "shared/phoenix"},
		outside: []string{"github.com/tsuna/gohbase", "google.golang.org/protobuf"}},
	{dir: "shared/kafka", inside: []string{"shared/feed"}, outside: []string{"github.com/segmentio/kafka-go"}},
	{dir: "shared/mongo", inside: []string{"shared/feed", "shared/reference"}, outside: []string{"go.mongodb.org/mongo-driver"}},
	{dir: "shared/oss", inside: []string{"shared/address", "shared/feed", "shared/reference"},
		outside: []string{"github.com/aliyun/aliyun-oss-go-sdk"}, tests: []string{"shared/fc"}},
	{dir: "shared/phoenix", inside: []string{"shared/feed"}},
	{dir: "shared/problem"},
	{dir: "shared/reference", inside: []string{"shared/feed"}, outside: []string{"github.com/cockroachdb/apd"},
		tests: []string{"shared/oss/osstest", "shared/phoenix"}},
	{dir: "shared/telemetry", outside: []string{"go.opentelemetry.io/otel"}},
	{dir: "shared/testkit"},
	{dir: "shared/trigger", inside: []string{"shared/feed"}},
	{dir: kits, inside: []string{"shared/*"}, outside: anything},

	// The platform writes the wire from the documents: sharing code with the functions' side would
	// let one mistake pass on both. The same holds for the embedded services.
	{dir: "local/platform", inside: []string{"local/platform/*", "local/hostcheck", "local/services/patient"}, outside: anything},
	{dir: "local/platform/cron", outside: anything},
	{dir: "local/platform/manifest", inside: []string{"local/platform/cron"}, outside: anything, tests: []string{"local/real"}},
	{dir: "local/platform/runtime", inside: []string{"local/platform/manifest", "local/process"}, outside: anything},
	{dir: "local/process"},
	{dir: "local/platform/latency"},
	{dir: "local/platform/stream", inside: []string{"local/platform/latency", "local/platform/manifest"}, outside: anything},
	{dir: "local/services/fault"},
	{dir: "local/services/patient"},
	{dir: "local/services/*", inside: []string{"local/services/fault", "local/services/patient"}, outside: anything},
	{dir: "local/services/*/internal/*", inside: []string{"local/services/*/internal/*", "local/services/fault"}, outside: anything},

	// What the verbs, the console and users' programs share.
	// The audit holds what the functions made of the records against what the platform hands to them, so it
	// reads with the one what the other writes.
	{dir: "local/audit", inside: []string{"shared/*", "local/target", "local/data", "local/platform/stream"}, outside: anything,
		tests: []string{"local/services/kafka"}},
	{dir: "local/data", inside: []string{"shared/feed", "shared/reference"}},
	{dir: "local/doctor", inside: []string{"shared/*", "local/target", "local/data", "local/platform/manifest", "local/platform/stream"},
		outside: anything, tests: []string{"local/real", kits, "local/simulate"}},
	{dir: "local/doctor/rules", inside: []string{"shared/config", "shared/fc", "shared/feed", "local/platform/manifest"}, outside: anything},
	{dir: "local/invoke", inside: []string{"shared/feed", "shared/reference", "local/target", "local/platform/stream"}, outside: anything},
	{dir: "local/cost", inside: []string{"local/platform/cron", "local/platform/manifest"}, outside: anything,
		tests: []string{"shared/phoenix", "shared/fc", "shared/feed"}},
	{dir: "local/logs", inside: []string{"local/target"}},
	// A replay hands records to the functions as the platform does, with its own event.
	{dir: "local/repair", inside: []string{"shared/*", "local/target", "local/audit", "local/invoke", "local/platform/stream"},
		outside: anything, tests: []string{"local/services/kafka", "local/services/fault"}},
	{dir: "local/simulate", inside: []string{"shared/*", "local/target", "local/data"}, outside: anything,
		tests: []string{"local/services/kafka"}},
	{dir: "local/trace", inside: []string{"shared/*", "local/audit", "local/target"}, outside: anything},
	{dir: "local/target", inside: []string{"shared/*", "local/platform/manifest"}, outside: anything},
	{dir: "local/chaos", inside: []string{"local/audit", "local/invoke", "local/services/fault", "local/stack"},
		outside: anything, tests: []string{"local/stack/stacktest"}},
	{dir: "local/bench", inside: []string{"shared/*", "local/data", "local/platform/stream", "local/process", "local/stack", "local/target"},
		outside: anything, tests: []string{"local/stack/stacktest", "local/services/*"}},
	{dir: "local/hostile", outside: anything, tests: []string{"local/stack", "local/stack/stacktest", "local/audit", "local/services/*"}},
	{dir: "local/hostcheck"},
	{dir: "local/console/guard", inside: []string{"local/hostcheck"}},
	{dir: "local/console/live", inside: []string{"local/platform/latency", "local/target"}, tests: []string{"local/cost"}},
	{dir: "local/console/page"},
	{dir: "local/console/browser", tests: []string{"shared/*", "local/console/page", "local/data", "local/stack", "local/stack/stacktest"}},
	{dir: "local/console/announced", inside: []string{"shared/*", "local/console/live", "local/platform/manifest", "local/target"}},
	{dir: "local/console", inside: []string{"shared/*", "local/audit", "local/console/*", "local/doctor", "local/invoke",
		"local/platform/cron", "local/platform/manifest", "local/platform/runtime", "local/repair", "local/services/fault",
		"local/target", "local/trace"}, outside: anything},
	{dir: "local/stack/stacktest"},
	{dir: "local/stack", inside: []string{"shared/*", "local/*", "local/console/*", "local/platform/*", "local/services/*"}, outside: anything},
	{dir: "local/cli", inside: []string{"shared/*", "local/*"}, outside: anything},
	{dir: "local/cli/*", inside: []string{"shared/*", "local/*"}, outside: anything},
	{dir: "local", inside: []string{"shared/*", "local/*", "local/cli/*", "local/platform/manifest"}, outside: anything,
		tests: []string{"local/stack/stacktest"}},

	// The lanes on real servers and in containers.
	{dir: "local/real/child", outside: anything},
	{dir: "local/real/wire"},
	{dir: "local/real", inside: []string{"local/real/child", "local/real/wire"}, tests: []string{"shared/*", kits, "local/chaos", "local/stack", "local/stack/stacktest", "local/target"},
		outside: anything},
	{dir: "local/compose/*", inside: []string{"local/real", "local/services/*"}},
	{dir: "local/clients", tests: []string{"local/real", "local/real/child"}},
	{dir: "local/clients/golang/*", outside: anything}, // a module of its own
	{dir: "local/archive"},
}

// conformance lists the tests that hold both sides of a wire against each other, and for that import
// what the rule of their package keeps from all its other files.
var conformance = map[string][]string{
	"shared/names_test.go":             {"local/services/kafka", "local/platform/stream"},
	"functions/enrich/sizes_test.go":   {"local/services/kafka"},
	"functions/query/bench_test.go":    {"local/services/hbase"},
	"shared/hbase/conformance_test.go": {"local/services/hbase"},
	"shared/hbase/look_test.go":        {"local/services/hbase"},
	"shared/hbase/lost_test.go":        {"local/services/hbase"},
	"shared/hbase/multi_test.go":       {"local/services/hbase"},
	"shared/hbase/stuck_test.go":       {"local/services/hbase"},
	"shared/kafka/bench_test.go":       {"local/services/kafka"},
	"shared/kafka/conformance_test.go": {"local/services/kafka"},
	"shared/mongo/conformance_test.go": {"local/services/mongodb"},
	"shared/oss/bucket_test.go":        {"local/services/oss", "local/services/fault"},
	"shared/oss/conformance_test.go":   {"local/services/oss"},

	"local/services/mongodb/fault_test.go": {"shared/mongo", "shared/reference"},
}

// onlyIn ties each client library to its package: nobody else below shared/ and functions/ uses it.
var onlyIn = map[string]string{
	"github.com/alibabacloud-go":          "local/invoke",
	"github.com/tsuna/gohbase":            "shared/hbase",
	"github.com/segmentio/kafka-go":       "shared/kafka",
	"github.com/aliyun/aliyun-oss-go-sdk": "shared/oss",
	"go.mongodb.org/mongo-driver":         "shared/mongo",
	"go.opentelemetry.io/otel":            "shared/telemetry",
}

// impure packages never appear in the domain and the codecs.
var impure = map[string][]string{
	"shared/feed":    {"context", "net", "os", "net/http", "os/exec"},
	"shared/phoenix": {"context", "net", "os", "net/http", "os/exec"},
}

func TestImportDirections(t *testing.T) {
	files := sourceFiles(t, "..")
	tests, named := 0, map[string]bool{}
	for _, file := range files {
		named[file.name] = true
		if file.isTest() {
			tests++
		}
		for _, problem := range violations(file) {
			t.Errorf("%s: %s", file.name, problem)
		}
	}
	if len(files)-tests < 100 || tests < 50 {
		t.Fatalf("only %d files and %d tests were read: the walk is broken", len(files)-tests, tests)
	}
	for name := range conformance {
		if !named[name] {
			t.Errorf("%s has an exception from the rules and does not exist", name)
		}
	}
}

// TestViolations proves that a broken direction is found.
func TestViolations(t *testing.T) {
	for _, test := range []struct {
		file, imported string
		allowed        bool
	}{
		{"shared/feed/a.go", "time", true},
		{"shared/feed/a.go", "net/http", false},
		{"shared/feed/a.go", "github.com/cockroachdb/apd/v3", false},
		{"shared/feed/a.go", "feedstream/shared/trigger", false},
		{"shared/feed/a_test.go", "pgregory.net/rapid", true},
		{"shared/feed/a_test.go", "github.com/tsuna/gohbase", false},
		{"shared/feed/a_test.go", "feedstream/shared/trigger", false},
		{"shared/feed/a_test.go", "feedstream/shared/feed", true},
		{"shared/feed/a_test.go", "feedstream/shared/testkit", true},
		{"shared/feed/a.go", "feedstream/shared/testkit", false},
		{"shared/trigger/a.go", "feedstream/shared/feed", true},
		{"shared/phoenix/a.go", "github.com/cockroachdb/apd/v3", false},
		{"shared/hbase/a.go", "github.com/tsuna/gohbase/hrpc", true},
		{"shared/hbase/a.go", "feedstream/shared/kafka", false},
		{"shared/hbase/a_test.go", "feedstream/local/services/hbase", false},
		{"shared/hbase/conformance_test.go", "feedstream/local/services/hbase", true},
		{"shared/hbase/conformance_test.go", "feedstream/local/services/kafka", false},
		{"shared/hbase/hbasetest/a.go", "feedstream/shared/testkit", true},
		{"shared/fc/a.go", "golang.org/x/sync/semaphore", true},
		{"shared/fc/a.go", "github.com/tsuna/gohbase", false},
		{"functions/enrich/a.go", "feedstream/shared/phoenix", true},
		{"functions/enrich/a.go", "feedstream/shared/testkit", false},
		{"functions/enrich/a.go", "feedstream/shared/oss/osstest", false},
		{"functions/enrich/a_test.go", "feedstream/shared/oss/osstest", true},
		{"functions/enrich/a.go", "feedstream/functions/query", false},
		{"functions/enrich/a.go", "feedstream/local/platform", false},
		{"functions/enrich/a.go", "github.com/tsuna/gohbase", false},
		{"functions/enrich/a_test.go", "github.com/alibabacloud-go/tea/tea", false},
		{"local/invoke/a.go", "github.com/alibabacloud-go/tea/tea", true},
		{"local/platform/a.go", "feedstream/shared/trigger", false},
		{"local/platform/a_test.go", "feedstream/shared/fc", false},
		{"local/platform/stream/a.go", "feedstream/local/platform/runtime", false},
		{"local/platform/stream/a.go", "feedstream/local/platform", false},
		{"local/services/oss/a.go", "feedstream/shared/oss", false},
		{"local/services/oss/a_test.go", "feedstream/shared/oss", false},
		{"local/services/hbase/a.go", "feedstream/local/services/fault", true},
		{"local/audit/a.go", "feedstream/local/services/kafka", false},
		{"local/audit/a_test.go", "feedstream/local/services/kafka", true},
		{"local/audit/a.go", "feedstream/local/stack", false},
		{"local/audit/a.go", "feedstream/local/platform/stream", true},
		{"local/audit/a.go", "feedstream/local/platform", false},
		{"local/doctor/a.go", "feedstream/local/stack", false},
		{"local/doctor/a.go", "feedstream/local/target", true},
		{"local/console/a.go", "feedstream/local/stack", false},
		{"local/real/a.go", "feedstream/shared/hbase", false},
		{"local/real/a_test.go", "feedstream/shared/hbase/hbasetest", true},
		{"local/stack/a.go", "feedstream/local/services/oss", true},
		{"local/up.go", "feedstream/local/stack", true},
		{"local/up.go", "feedstream/local/services/oss", false},
		{"elsewhere/a.go", "time", false},
	} {
		problems := violations(sourceFile{name: test.file, imports: []string{test.imported}})
		if got := len(problems) == 0; got != test.allowed {
			t.Errorf("%s imports %s: allowed = %v, want %v %q", test.file, test.imported, got, test.allowed, problems)
		}
	}
}

// sourceFile is a file by its path in the module.
type sourceFile struct {
	name    string
	imports []string
}

func (f sourceFile) dir() string  { return path.Dir(f.name) }
func (f sourceFile) isTest() bool { return strings.HasSuffix(f.name, "_test.go") }

func sourceFiles(t *testing.T, root string) []sourceFile {
	t.Helper()
	var files []sourceFile
	for _, top := range []string{"functions", "shared", "local"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") {
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
			file := sourceFile{name: filepath.ToSlash(rel)}
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

// violations says of each import that the rules forbid why.
func violations(file sourceFile) (problems []string) {
	r, found := ruleOf(file.dir())
	if !found {
		return []string{file.dir() + " has no rule: add it to the table, or move the file"}
	}
	for _, imported := range file.imports {
		var allowed bool
		switch own, ok := strings.CutPrefix(imported, module); {
		case ok:
			allowed = r.allowsOwn(file, own)
		case standard(imported):
			allowed = !slices.Contains(impure[file.dir()], imported) || file.isTest()
		default:
			allowed = hasPrefixAny(r.outside, imported) || file.isTest()
			problems = append(problems, strangers(file.dir(), imported)...)
		}
		if !allowed {
			problems = append(problems, file.dir()+" must not import "+imported)
		}
	}
	return problems
}

// allowsOwn reports whether a file may import a package of the module.
func (r rule) allowsOwn(file sourceFile, own string) bool {
	forTests := own == testkit || matchesAny([]string{kits}, own)
	if forTests && !file.isTest() {
		return matchesAny([]string{kits}, file.dir()) && own == testkit // a suite uses the helpers
	}
	below := file.dir() != "local" && strings.HasPrefix(own, file.dir()+"/")
	if below || matchesAny(r.inside, own) {
		return true
	}
	return file.isTest() && (own == file.dir() || own == testkit || matchesAny(r.tests, own) ||
		matchesAny(conformance[file.name], own))
}

// strangers finds a client library that belongs to another package.
func strangers(dir, imported string) (problems []string) {
	for library, owner := range onlyIn {
		if within(imported, library) && !strings.HasPrefix(dir, "local") && !within(dir, owner) {
			problems = append(problems, library+" belongs to "+owner+", not to "+dir)
		}
	}
	return problems
}

func ruleOf(dir string) (rule, bool) {
	for _, r := range rules {
		if ok, _ := path.Match(r.dir, dir); ok {
			return r, true
		}
	}
	return rule{}, false
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
