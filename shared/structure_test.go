package shared_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Limits of a package, without its tests. A package that grows past them holds more than one idea.
const (
	mostFiles       = 14
	mostImports     = 40
	mostCommandSize = 900 // lines of the command's main package
)

// packageSize is what is counted of one package.
type packageSize struct {
	files, lines    int
	imports         map[string]bool
	longest         int // lines of its longest function
	longestFunction string
}

// TestStructure holds packages to their limits. With -v it prints the figures, largest packages first.
func TestStructure(t *testing.T) {
	sizes := measure(t, "..")
	if len(sizes) < 20 {
		t.Fatalf("only %d packages were found: the walk is broken", len(sizes))
	}
	var dirs []string
	for dir, s := range sizes {
		dirs = append(dirs, dir)
		if s.files > mostFiles {
			t.Errorf("%s has %d files, at most %d are one idea", dir, s.files, mostFiles)
		}
		if len(s.imports) > mostImports {
			t.Errorf("%s imports %d packages, at most %d", dir, len(s.imports), mostImports)
		}
	}
	if command := sizes["local"]; command == nil || command.lines > mostCommandSize {
		t.Errorf("the command's main package is %+v, at most %d lines are flags, one call and printing", command, mostCommandSize)
	}
	slices.SortFunc(dirs, func(a, b string) int { return sizes[b].lines - sizes[a].lines })
	t.Logf("%-44s %5s %6s %7s %s", "package", "files", "lines", "imports", "longest function")
	for _, dir := range dirs {
		s := sizes[dir]
		t.Logf("%-44s %5d %6d %7d %d %s", dir, s.files, s.lines, len(s.imports), s.longest, s.longestFunction)
	}
}

// measure counts every package below root that is part of the product: neither tests nor what only lanes build.
func measure(t *testing.T, root string) map[string]*packageSize {
	t.Helper()
	sizes := map[string]*packageSize{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil || strings.HasPrefix(dir, ".") || strings.HasPrefix(dir, "bin") || strings.Contains(dir, "testdata") {
			return err
		}
		if sizes[dir] == nil {
			sizes[dir] = &packageSize{imports: map[string]bool{}}
		}
		return sizes[dir].add(name)
	})
	if err != nil {
		t.Fatal(err)
	}
	return sizes
}

func (s *packageSize) add(name string) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, content, 0)
	if err != nil {
		return fmt.Errorf("parse %s: %w", name, err)
	}
	s.files++
	s.lines += strings.Count(string(content), "\n")
	for _, i := range file.Imports {
		s.imports[i.Path.Value] = true
	}
	for _, declaration := range file.Decls {
		f, isFunction := declaration.(*ast.FuncDecl)
		if !isFunction {
			continue
		}
		if lines := files.Position(f.End()).Line - files.Position(f.Pos()).Line + 1; lines > s.longest {
			s.longest, s.longestFunction = lines, f.Name.Name
		}
	}
	return nil
}
