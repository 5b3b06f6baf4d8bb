package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"feedstream/shared/config"
)

// What the rules think that a program reads is what the Config of its main package has.
func TestEnvironmentsAreThoseOfThePrograms(t *testing.T) {
	for program := range environments {
		want := readByProgram(t, program)
		got := variablesOf(program)
		byName := func(a, b config.Variable) int { return strings.Compare(a.Name, b.Name) }
		slices.SortFunc(want, byName)
		slices.SortFunc(got, byName)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("functions/%s/config.go and the table environments differ (-program +table):\n%s", program, diff)
		}
	}
}

// readByProgram reads the tags of a program's Config, and of the groups in it.
func readByProgram(t *testing.T, program string) (variables []config.Variable) {
	t.Helper()
	groups := map[string]*ast.StructType{}
	for _, path := range []string{"functions/" + program + "/config.go", "shared/config/groups.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), root+path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					groups[spec.Name.Name] = s
				}
			}
			return true
		})
	}
	for _, field := range groups["Config"].Fields.List {
		name, _ := field.Type.(*ast.Ident)
		if selector, ok := field.Type.(*ast.SelectorExpr); ok {
			name = selector.Sel
		}
		if groups[name.Name] == nil {
			t.Fatalf("functions/%s: no group %s", program, name.Name)
		}
		for _, inner := range groups[name.Name].Fields.List {
			tag := reflect.StructTag(strings.Trim(inner.Tag.Value, "`"))
			variable, required := strings.CutSuffix(tag.Get("env"), ",required")
			variables = append(variables, config.Variable{Name: variable, Default: tag.Get("envDefault"), Required: required})
		}
	}
	return variables
}
