package manifest

import (
	"errors"
	"fmt"
	"regexp"
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
	raw     bool // expressions are left as written
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
		scope:      scope{env: env, count: new(int)}, anchors: map[string]ast.Node{}, open: map[ast.Node]bool{},
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
	d.readScope(body)
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

// readScope reads vars and resources as written first, for other values refer to them.
func (d *document) readScope(body ast.Node) {
	reader := *d
	reader.raw, reader.problems, reader.nodes = true, nil, 0
	reader.keys, reader.values, reader.unresolved = map[string]position{}, map[string]position{}, map[string][]string{}
	reader.anchors, reader.open = map[string]ast.Node{}, map[ast.Node]bool{}
	top, _ := reader.value(body, nil).(map[string]any)
	d.scope.vars, _ = top["vars"].(map[string]any)
	d.scope.resources, _ = top["resources"].(map[string]any)
}

// value turns a node into nil, bool, int64, float64, string, []any or map[string]any.
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
		return d.tagged(n, path)
	case *ast.LiteralNode:
		return d.text(n.Value.Value, path)
	case ast.ScalarNode:
		return d.scalar(n, path)
	}
	d.report(d.at(path), "%s is not a value s.yaml can hold: write a plain value", node.Type())
	return nil
}

func (d *document) scalar(node ast.ScalarNode, path []string) any {
	t := node.GetToken()
	if t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType {
		return d.text(t.Value, path)
	}
	written := t.Value
	if t.Type == token.ImplicitNullType {
		written = ""
	}
	value, err := plain(written)
	if err != nil {
		d.report(d.at(path), "%s", err)
	}
	if text, isText := value.(string); isText {
		return d.text(text, path)
	}
	return value
}

// tagged reads a value whose type is written beside it, of which only a text is understood.
func (d *document) tagged(node *ast.TagNode, path []string) any {
	scalar, isScalar := node.Value.(ast.ScalarNode)
	if node.Start.Value != "!!str" || !isScalar {
		d.report(place(node.GetToken()), "tag %s is not understood: write a plain value", node.Start.Value)
		return nil
	}
	if literal, ok := node.Value.(*ast.LiteralNode); ok {
		return d.text(literal.Value.Value, path)
	}
	return d.text(scalar.GetToken().Value, path)
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

// computed is what the deploy tool takes for a program of its template language, wherever it stands.
var computed = regexp.MustCompile(`(?s)<%.*?%>`)

func (d *document) text(text string, path []string) any {
	if d.raw {
		return text
	}
	d.written[key(path)] = text
	if hasActions(path) {
		return text
	}
	if program := computed.FindString(text); program != "" {
		d.report(d.at(path), "%s is computed by the deploy tool: write it without <%%", program)
	}
	if !strings.Contains(text, "${") {
		return text
	}
	s := d.scope
	if len(path) > 1 && path[0] == "resources" {
		s.this = path[1]
	}
	r, err := s.expand(text, 0)
	if err != nil {
		d.report(d.at(path), "%s", err)
		return ""
	}
	if len(r.unresolved) > 0 {
		d.unresolved[key(path)] = r.unresolved
	}
	if r.value == nil {
		return ""
	}
	return r.value
}

// hasActions says whether a path lies in hooks of the deploy tool, whose expressions are its own.
func hasActions(path []string) bool {
	return len(path) > 0 && path[0] == "actions" || len(path) > 2 && path[0] == "resources" && path[2] == "actions"
}

func place(t *token.Token) position {
	return position{t.Position.Line, t.Position.Column}
}
