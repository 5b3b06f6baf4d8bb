package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"feedstream/local/platform/manifest"
	"feedstream/local/stack/stacktest"
	"feedstream/local/target"
	"feedstream/shared/config"
	"feedstream/shared/phoenix"
)

// What is written in more than one place, s.yaml, the config structs and the tables of the README, is
// compared here; template.yml is in local/doctor.

type tree = map[string]any

func readYAML(t *testing.T, path string) tree {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	var document tree
	must(t, yaml.Unmarshal(content, &document))
	return document
}

// setting is one environment variable that a function reads.
type setting struct {
	fallback string
	required bool
}

// settings reads the env tags of a function's Config, following its fields into shared/config.
func settings(t *testing.T, function string) map[string]setting {
	t.Helper()
	structs := map[string]*ast.StructType{}
	for prefix, path := range map[string]string{"": "../functions/" + function + "/config.go", "config.": "../shared/config/groups.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		must(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					structs[prefix+spec.Name.Name] = s
				}
			}
			return true
		})
	}
	found := map[string]setting{}
	var collect func(name string)
	collect = func(name string) {
		if structs[name] == nil {
			t.Fatalf("feed-%s: no struct %s", function, name)
		}
		for _, field := range structs[name].Fields.List {
			if field.Tag == nil {
				collect(typeName(field.Type))
				continue
			}
			text, err := strconv.Unquote(field.Tag.Value)
			must(t, err)
			tag := reflect.StructTag(text)
			variable, required := strings.CutSuffix(tag.Get("env"), ",required")
			found[variable] = setting{tag.Get("envDefault"), required}
		}
	}
	collect("Config")
	return found
}

func typeName(e ast.Expr) string {
	if selector, ok := e.(*ast.SelectorExpr); ok {
		return typeName(selector.X) + "." + selector.Sel.Name
	}
	return e.(*ast.Ident).Name
}

var functionNames = []string{"enrich", "refresh", "query", "publish"}

func props(manifest tree, function string) tree {
	return manifest["resources"].(tree)["feed-"+function].(tree)["props"].(tree)
}

// s.yaml sets nothing that a function does not read, and everything that it must have.
func TestManifestSetsWhatFunctionsRead(t *testing.T) {
	manifest := readYAML(t, "../s.yaml")
	for _, function := range functionNames {
		read := settings(t, function)
		set := props(manifest, function)["environmentVariables"].(tree)
		for name := range set {
			if _, ok := read[name]; !ok {
				t.Errorf("s.yaml sets %s of feed-%s, which does not read it", name, function)
			}
		}
		for name, s := range read {
			value, isSet := set[name]
			if s.required && !isSet {
				t.Errorf("s.yaml does not set %s, which feed-%s requires", name, function)
			}
			if text := fmt.Sprint(value); isSet && s.fallback != "" && !strings.Contains(text, "${") && text != s.fallback {
				t.Errorf("s.yaml sets %s of feed-%s to %s, the default is %s", name, function, text, s.fallback)
			}
		}
	}
}

// .env.example names what s.yaml takes from the environment, and nothing else.
func TestEnvExample(t *testing.T) {
	manifest, err := os.ReadFile("../s.yaml")
	must(t, err)
	example, err := config.ReadFile("../.env.example")
	must(t, err)
	taken := map[string]bool{}
	for _, m := range regexp.MustCompile(`\$\{env\('([A-Z0-9_]+)'`).FindAllStringSubmatch(string(manifest), -1) {
		taken[m[1]] = true
	}
	for name := range example {
		if !taken[name] {
			t.Errorf(".env.example names %s, which s.yaml does not take", name)
		}
		delete(taken, name)
	}
	for name := range taken {
		t.Errorf(".env.example does not name %s", name)
	}
}

// The file that operators and the compose lane create the table with says what the layout check demands.
func TestTableFile(t *testing.T) {
	content, err := os.ReadFile("../shared/phoenix/stock.sql")
	must(t, err)
	m, err := manifest.Load(stacktest.Manifest)
	must(t, err)
	names, err := target.NamesOf(m)
	must(t, err)
	statements := phoenix.TableDDL(names.Table) + ";\n" + phoenix.IndexDDL(names.Table, names.Index) + ";\n"
	if comment, found := strings.CutSuffix(string(content), statements); !found || strings.Contains(comment, ";") {
		t.Errorf("stock.sql is\n%s\nwant a comment and\n%s", content, statements)
	}
}

// The README's tables hold every function and every variable with its default.
func TestReadmeTables(t *testing.T) {
	content, err := os.ReadFile("../README.md")
	must(t, err)
	readme := string(content)
	readers, defaults := map[string][]string{}, map[string]string{}
	for _, function := range functionNames {
		if !strings.Contains(readme, "| `feed-"+function+"` | `functions/"+function+"` |") {
			t.Errorf("the README's table lacks feed-%s", function)
		}
		for name, s := range settings(t, function) {
			if strings.HasPrefix(name, "FC_") {
				continue // the platform's
			}
			readers[name] = append(readers[name], function)
			switch {
			case s.required:
				defaults[name] = "required"
			case s.fallback == "":
				defaults[name] = "none"
			default:
				defaults[name] = "`" + s.fallback + "`"
			}
		}
	}
	for name, functions := range readers {
		row := fmt.Sprintf("| `%s` | %s | %s |", name, defaults[name], strings.Join(functions, ", "))
		if !strings.Contains(readme, row) {
			t.Errorf("the README lacks the row\n%s", row)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllStringSubmatch(readme, -1) {
		if readers[m[1]] == nil {
			t.Errorf("the README names %s, which no function reads", m[1])
		}
	}
}
