package manifest

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Inspection is a manifest as far as it can be read, however wrong it is: each value resolved, with the place where it
// stands. It is for whoever looks for more than Load refuses.
type Inspection struct {
	Path      string
	Resources []string  // identifiers of the resources of component fc3, in the order of the file
	Problems  []Problem // what Load refuses

	document *document
}

// Inspect reads a manifest without stopping at what is wrong with it. The error is about a file that cannot be read.
// Env gives ${env(...)} its values.
func Inspect(path string, env func(string) (string, bool)) (*Inspection, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	r, err := readManifest(path, data, env)
	if err != nil {
		return nil, err
	}
	i := &Inspection{Path: path, document: r.document}
	var refused *Error
	if errors.As(asError(path, r.problems), &refused) {
		i.Problems = refused.Problems
	}
	resources, _ := i.Value("resources").(map[string]any)
	for _, id := range r.inOrder("resources", resources) {
		component, _ := i.Value("resources", id, "component").(string)
		if name, _, _ := strings.Cut(component, "@"); name == "fc3" {
			i.Resources = append(i.Resources, id)
		}
	}
	return i, nil
}

// Value is what stands at a path, expressions resolved: nil, bool, an integer, float64, string, []any or
// map[string]any. The members of a list go by their index. Nil where nothing stands.
func (i *Inspection) Value(path ...string) any {
	value := i.document.root
	for _, name := range path {
		value = member(value, name)
	}
	return value
}

// Line is where the value at a path stands or, where nothing stands, the nearest enclosing one.
func (i *Inspection) Line(path ...string) int {
	if at, ok := i.document.keys[key(path)]; ok {
		return at.line
	}
	return i.document.at(path).line
}

// Written is the text at a path before its expressions were resolved; "" where no text stands.
func (i *Inspection) Written(path ...string) string { return i.document.written[key(path)] }

// Unresolved lists the expressions at a path that have no value.
func (i *Inspection) Unresolved(path ...string) []string { return i.document.unresolved[key(path)] }

// Texts lists the paths of all texts, in the order of the file.
func (i *Inspection) Texts() [][]string {
	var paths [][]string
	for joined := range i.document.written {
		paths = append(paths, strings.Split(joined, "\x00"))
	}
	slices.SortFunc(paths, func(a, b []string) int {
		p, q := i.document.at(a), i.document.at(b)
		if p != q {
			return (p.line-q.line)*1000 + p.column - q.column
		}
		return slices.Compare(a, b)
	})
	return paths
}

// Nearest returns the known name that differs from name by case or at most two letters, or "".
func Nearest(name string, known []string) string { return nearest(name, known) }
