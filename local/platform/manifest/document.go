package manifest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxNodes bounds what aliases can blow a small file up to.
const maxNodes = 100_000

// document is a YAML file as plain values, with the place of each.
type document struct {
	root       any
	keys       map[string]position // by path, see key: where a member's name stands
	values     map[string]position // where a value stands
	written    map[string]string   // texts before their expressions were expanded, by path
	unresolved map[string][]string // expressions without a value, by path of their scalar
	problems   []Problem

	scope   scope
	anchors map[string]ast.Node
	open    map[ast.Node]bool // aliases being followed
	nodes   int
}

// key is the index of a path in a document's maps.
func key(path []string) string { return strings.Join(path, "\x00") }

// parse reads YAML. Only a file that is no YAML at all leaves root nil.
func parse(data []byte, env func(string) (string, bool)) *document {
	d := &document{
		keys: map[string]position{}, values: map[string]position{}, written: map[string]string{},
		unresolved: map[string][]string{},
		scope:      scope{env: env}, anchors: map[string]ast.Node{}, open: map[ast.Node]bool{},
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		d.syntax(err)
		return d
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		d.report(position{1, 1}, "the file holds %d YAML documents: write exactly one", countDocuments(file))
		return d
	}
	body := file.Docs[0].Body
	d.readVars(body)
	d.root = d.value(body, nil)
	return d
}

func countDocuments(file *ast.File) int {
	n := 0
	for _, doc := range file.Docs {
		if doc.Body != nil {
			n++
		}
	}
	return n
}

func (d *document) syntax(err error) {
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) && syntax.Token != nil {
		d.report(place(syntax.Token), "not valid YAML: %s", syntax.Message)
		return
	}
	d.report(position{1, 1}, "not valid YAML: %s", err)
}

func (d *document) report(at position, format string, args ...any) {
	d.problems = append(d.problems, Problem{at.line, at.column, fmt.Sprintf(format, args...)})
}

// at is the place of the value at path or, where nothing stands, of the nearest enclosing one.
func (d *document) at(path []string) position {
	for ; ; path = path[:len(path)-1] {
		if p, ok := d.values[key(path)]; ok {
			return p
		}
		if len(path) == 0 {
			return position{1, 1}
		}
	}
}

// readVars reads the top-level vars first, for the other values refer to them.
func (d *document) readVars(body ast.Node) {
	top, ok := body.(ast.MapNode)
	if !ok {
		return
	}
	for iter := top.MapRange(); iter.Next(); {
		if name, _ := d.keyName(iter.Key()); name == "vars" {
			reader := *d
			reader.problems, reader.keys, reader.values = nil, map[string]position{}, map[string]position{}
			reader.written, reader.unresolved = map[string]string{}, map[string][]string{}
			d.scope.vars, _ = reader.value(iter.Value(), nil).(map[string]any)
			d.nodes = reader.nodes
		}
	}
}

// value turns a node into nil, bool, int64, uint64, float64, string, []any or map[string]any.
func (d *document) value(node ast.Node, path []string) any {
	if d.nodes++; d.nodes > maxNodes {
		if d.nodes == maxNodes+1 {
			d.report(position{1, 1}, "the file has more than %d values with its aliases: write fewer", maxNodes)
		}
		return nil
	}
	if node == nil {
		return nil
	}
	if t := node.GetToken(); t != nil {
		d.values[key(path)] = place(t)
	}
	switch n := node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return d.mapping(n.(ast.MapNode), path)
	case *ast.SequenceNode:
		list := make([]any, len(n.Values))
		for i, v := range n.Values {
			list[i] = d.value(v, append(path[:len(path):len(path)], fmt.Sprint(i)))
		}
		return list
	case *ast.AnchorNode:
		d.anchors[n.Name.String()] = n.Value
		return d.value(n.Value, path)
	case *ast.AliasNode:
		return d.follow(n, path)
	case *ast.TagNode:
		return d.value(n.Value, path)
	case *ast.StringNode:
		return d.text(n.Value, path)
	case *ast.LiteralNode:
		return d.text(n.Value.Value, path)
	case *ast.NullNode:
		return nil
	case ast.ScalarNode:
		return n.GetValue()
	}
	d.report(d.at(path), "%s is not a value s.yaml can hold: write a plain value", node.Type())
	return nil
}

// follow reads what an alias stands for, in the alias's place.
func (d *document) follow(alias *ast.AliasNode, path []string) any {
	target, ok := d.anchors[alias.Value.String()]
	if !ok {
		d.report(place(alias.GetToken()), "alias *%s has no anchor before it: declare &%[1]s", alias.Value)
		return nil
	}
	if d.open[target] {
		d.report(place(alias.GetToken()), "alias *%s stands inside its own anchor: take it out", alias.Value)
		return nil
	}
	d.open[target] = true
	defer delete(d.open, target)
	return d.value(target, path)
}

// mapping reads a mapping; members written out win over those merged in with <<.
func (d *document) mapping(node ast.MapNode, path []string) any {
	members := map[string]any{}
	merged := map[string]bool{}
	if m, ok := node.(*ast.MappingNode); ok && len(m.Values) > 0 {
		d.values[key(path)] = place(m.Values[0].Key.GetToken())
	} else if m, ok := node.(*ast.MappingValueNode); ok {
		d.values[key(path)] = place(m.Key.GetToken())
	}
	for iter := node.MapRange(); iter.Next(); {
		name, isMerge := d.keyName(iter.Key())
		if isMerge {
			d.merge(members, merged, d.value(iter.Value(), path))
			continue
		}
		inner := append(path[:len(path):len(path)], name)
		at := place(iter.Key().GetToken())
		if _, twice := members[name]; twice && !merged[name] {
			d.report(at, "key %q is given twice: keep one", name)
		}
		delete(merged, name)
		d.keys[key(inner)] = at
		members[name] = d.value(iter.Value(), inner)
		if _, ok := d.values[key(inner)]; !ok {
			d.values[key(inner)] = at
		}
	}
	return members
}

func (d *document) merge(members map[string]any, merged map[string]bool, from any) {
	switch from := from.(type) {
	case map[string]any:
		for name, v := range from {
			if _, there := members[name]; !there {
				members[name], merged[name] = v, true
			}
		}
	case []any:
		for _, one := range from {
			d.merge(members, merged, one)
		}
	}
}

func (d *document) keyName(node ast.Node) (name string, merge bool) {
	switch n := node.(type) {
	case *ast.MergeKeyNode:
		return "<<", true
	case *ast.StringNode:
		return n.Value, false
	case *ast.MappingKeyNode:
		return d.keyName(n.Value)
	}
	return node.String(), false
}

func (d *document) text(text string, path []string) any {
	d.written[key(path)] = text
	if !strings.Contains(text, "${") || hasActions(path) {
		return text
	}
	value, unresolved, err := d.scope.expand(text)
	if err != nil {
		d.report(d.at(path), "%s", err)
		return text
	}
	if len(unresolved) > 0 {
		d.unresolved[key(path)] = unresolved
	}
	return value
}

// hasActions says whether a path lies in hooks of the deploy tool, whose expressions are its own.
func hasActions(path []string) bool {
	return len(path) > 0 && path[0] == "actions" || len(path) > 2 && path[0] == "resources" && path[2] == "actions"
}

func place(t *token.Token) position {
	return position{t.Position.Line, t.Position.Column}
}
