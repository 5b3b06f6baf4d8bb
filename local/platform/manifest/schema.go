package manifest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// The component's schema: src/schema.json of devsapp/fc3 at 4ca1c1b, see fc3-schema.LICENSE.txt.
//
//go:embed fc3-schema.json
var fc3Schema []byte

//go:embed rules.json
var localRules []byte

// schemas checks values against the component's schema and the rules laid over it.
type schemas struct {
	compiler *jsonschema.Compiler
	root     map[string]any
}

func newSchemas() (*schemas, error) {
	root, err := decodeJSON(fc3Schema)
	if err != nil {
		return nil, fmt.Errorf("read the component's schema: %w", err)
	}
	rules, err := decodeJSON(localRules)
	if err != nil {
		return nil, fmt.Errorf("read the local rules: %w", err)
	}
	layOver(root, rules)
	refuseUnknownKeys(root)
	s := &schemas{compiler: jsonschema.NewCompiler(), root: root}
	if err := s.compiler.AddResource("fc3.json", root); err != nil {
		return nil, fmt.Errorf("add the component's schema: %w", err)
	}
	return s, nil
}

func decodeJSON(data []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var out map[string]any
	err := decoder.Decode(&out)
	return out, err
}

// layOver merges rules into base as a JSON merge patch does: objects member by member, null takes a member away.
func layOver(base, rules map[string]any) {
	for name, rule := range rules {
		inner, isObject := rule.(map[string]any)
		under, both := base[name].(map[string]any)
		switch {
		case rule == nil:
			delete(base, name)
		case isObject && both:
			layOver(under, inner)
		default:
			base[name] = rule
		}
	}
}

// refuseUnknownKeys closes every object schema that lists its properties. Conditions (if, then, else) stay open: they
// speak of some members of an object that is described elsewhere.
func refuseUnknownKeys(schema any) {
	switch s := schema.(type) {
	case []any:
		for _, one := range s {
			refuseUnknownKeys(one)
		}
	case map[string]any:
		_, lists := s["properties"].(map[string]any)
		_, decided := s["additionalProperties"]
		if lists && !decided {
			s["additionalProperties"] = false
		}
		for name, inner := range s {
			switch name {
			case "if", "then", "else", "enum", "const", "default":
			case "properties", "definitions":
				for _, one := range inner.(map[string]any) {
					refuseUnknownKeys(one)
				}
			default:
				refuseUnknownKeys(inner)
			}
		}
	}
}

// check reports each way in which the value at path breaks the definition; an empty name means the properties of a
// function.
func (s *schemas) check(d *document, definition string, path []string, value any) error {
	location := "fc3.json"
	if definition != "" {
		location += "#/definitions/" + definition
	}
	compiled, err := s.compiler.Compile(location)
	if err != nil {
		return fmt.Errorf("compile the schema of %s: %w", definition, err)
	}
	invalid, ok := compiled.Validate(value).(*jsonschema.ValidationError)
	if !ok {
		return nil
	}
	c := complaint{d: d, path: path, definition: s.definition(definition)}
	c.describe(invalid)
	return nil
}

func (s *schemas) definition(name string) map[string]any {
	if name == "" {
		return s.root
	}
	definitions, _ := s.root["definitions"].(map[string]any)
	found, _ := definitions[name].(map[string]any)
	return found
}

// complaint turns validation errors into problems with places.
type complaint struct {
	d          *document
	path       []string
	definition map[string]any
}

func (c complaint) describe(e *jsonschema.ValidationError) {
	path := append(c.path[:len(c.path):len(c.path)], e.InstanceLocation...)
	at := c.d.at(path)
	what := strings.Join(path, ".")
	if expressions := c.d.unresolved[key(path)]; len(e.Causes) == 0 && len(expressions) > 0 {
		c.d.report(at, "%s takes its value from %s, which has none: set the variable, or write ${env('NAME', 'default')}",
			what, strings.Join(expressions, " and "))
		return
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			c.unknownKey(path, name, siblings(c.definition, e))
		}
	case *kind.Required:
		for _, name := range k.Missing {
			c.d.report(at, "%s has no %s: add it", nameOf(what), name)
		}
	case *kind.Type:
		c.d.report(at, "%s is a %s: write a %s%s", what, k.Got, strings.Join(k.Want, " or "), quoteHint(k))
	case *kind.Enum:
		c.d.report(at, "%s is %s: write one of %s", what, show(k.Got), showAll(k.Want))
	case *kind.Const:
		c.d.report(at, "%s is %s: write %s", what, show(k.Got), show(k.Want))
	case *kind.Minimum:
		c.d.report(at, "%s is %s: write at least %s", what, k.Got.RatString(), decimal(k.Want.FloatString(2)))
	case *kind.Maximum:
		c.d.report(at, "%s is %s: write at most %s", what, k.Got.RatString(), decimal(k.Want.FloatString(2)))
	case *kind.MultipleOf:
		c.d.report(at, "%s is %s: write a multiple of %s", what, k.Got.RatString(), k.Want.RatString())
	case *kind.AnyOf:
		c.describe(closest(e.Causes))
	default:
		if len(e.Causes) == 0 {
			c.d.report(at, "%s: %s", what, e.Error())
		}
		for _, cause := range e.Causes {
			c.describe(cause)
		}
	}
}

// closest picks the alternative that the value came nearest to: the one whose first fault lies deepest.
func closest(causes []*jsonschema.ValidationError) *jsonschema.ValidationError {
	return slices.MaxFunc(causes, func(a, b *jsonschema.ValidationError) int { return depth(a) - depth(b) })
}

func depth(e *jsonschema.ValidationError) int {
	most := 2 * len(e.InstanceLocation)
	if _, wrongType := e.ErrorKind.(*kind.Type); !wrongType {
		most++
	}
	for _, cause := range e.Causes {
		most = max(most, depth(cause))
	}
	return most
}

func (c complaint) unknownKey(path []string, name string, known []string) {
	at, ok := c.d.keys[key(append(path[:len(path):len(path)], name))]
	if !ok {
		at = c.d.at(path)
	}
	remedy := "take it out"
	if near := nearest(name, known); near != "" {
		remedy = fmt.Sprintf("did you mean %q?", near)
	} else if len(known) > 0 && len(known) <= 12 {
		remedy = "known are " + strings.Join(known, ", ")
	}
	c.d.report(at, "unknown key %q in %s: %s", name, nameOf(strings.Join(path, ".")), remedy)
}

// siblings lists the keys known where an unknown one was found, as far as they can be read off the definition.
func siblings(definition map[string]any, e *jsonschema.ValidationError) []string {
	schema := definition
	for _, step := range e.InstanceLocation {
		properties, _ := schema["properties"].(map[string]any)
		schema, _ = properties[step].(map[string]any)
	}
	properties, _ := schema["properties"].(map[string]any)
	return slices.Sorted(maps.Keys(properties))
}

// nearest returns the known name that differs from name by case or at most two letters, or "".
func nearest(name string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two short names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j+1]+1, row[j]+1, cost)
		}
	}
	return row[len(b)]
}

func nameOf(what string) string {
	if what == "" {
		return "the file"
	}
	return what
}

func quoteHint(k *kind.Type) string {
	if slices.Contains(k.Want, "string") && (k.Got == "number" || k.Got == "integer" || k.Got == "boolean") {
		return " (put it in quotes)"
	}
	return ""
}

func decimal(s string) string {
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func show(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(v)
}

func showAll(values []any) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = show(v)
	}
	return strings.Join(texts, ", ")
}
