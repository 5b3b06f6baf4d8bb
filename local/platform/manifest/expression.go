package manifest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// maxHops is how far an expression may lead to another: the deploy tool replaces that many times, and what is then left
// of an expression it deploys as text.
const maxHops = 3

// scope gives expressions their values.
type scope struct {
	env       func(string) (string, bool)
	vars      map[string]any // as written
	resources map[string]any // as written
	this      string         // the resource that the expression stands in, if any
	count     *int           // expressions computed so far
}

// result is what an expression comes to. Where it has no value, unresolved names the expression.
type result struct {
	value      any
	unresolved []string
}

// expand replaces each ${...} of text. A text that is one single expression keeps the type of its value; any other
// comes to a string. An expression without a value (a variable of the environment that is not set, or empty) is replaced
// by nothing and is among the unresolved. What is not understood is an error.
func (s scope) expand(text string, hops int) (result, error) {
	var out strings.Builder
	var unresolved []string
	rest := text
	for {
		start := strings.Index(rest, "${")
		if start < 0 {
			break
		}
		length := strings.IndexByte(rest[start:], '}')
		if length < 0 {
			return result{}, fmt.Errorf("%q has an expression without an end: close it with }", text)
		}
		expression := rest[start : start+length+1]
		p := expressionParser{scope: s, whole: expression, rest: expression[2:length], hops: hops}
		r, err := p.parse()
		if err != nil || expression == text {
			return r, err
		}
		inText, err := asText(r.value)
		if err != nil {
			return result{}, fmt.Errorf("expression %s stands for %w", expression, err)
		}
		out.WriteString(rest[:start])
		out.WriteString(inText)
		unresolved = append(unresolved, r.unresolved...)
		rest = rest[start+length+1:]
	}
	out.WriteString(rest)
	return result{out.String(), unresolved}, nil
}

// asText is a value inside a longer text.
func asText(value any) (string, error) {
	switch value := value.(type) {
	case nil:
		return "", nil
	case string:
		return value, nil
	case map[string]any, []any:
		return "", fmt.Errorf("a mapping or a list, which a text cannot hold: let it stand alone")
	}
	text, err := json.Marshal(value) // a number as JavaScript writes it
	return string(text), err
}

// deep resolves the expressions in a value as written.
func (s scope) deep(value any, hops int) (result, error) {
	switch value := value.(type) {
	case string:
		if !strings.Contains(value, "${") {
			return result{value: value}, nil
		}
		return s.expand(value, hops)
	case map[string]any:
		out, all := map[string]any{}, result{}
		for name, inner := range value {
			r, err := s.deep(inner, hops)
			if err != nil {
				return result{}, err
			}
			out[name] = r.value
			all.unresolved = append(all.unresolved, r.unresolved...)
		}
		slices.Sort(all.unresolved)
		all.value = out
		return all, nil
	case []any:
		out, all := make([]any, len(value)), result{}
		for i, inner := range value {
			r, err := s.deep(inner, hops)
			if err != nil {
				return result{}, err
			}
			out[i] = r.value
			all.unresolved = append(all.unresolved, r.unresolved...)
		}
		all.value = out
		return all, nil
	}
	return result{value: value}, nil
}

// expressionParser reads one expression: a reference, or a call of env.
type expressionParser struct {
	scope
	whole string // with ${ and }, for errors
	rest  string
	hops  int
}

func (p *expressionParser) errorf(format string, args ...any) error {
	return fmt.Errorf("expression %s "+format, append([]any{p.whole}, args...)...)
}

var (
	reference = regexp.MustCompile(`^(vars|this|resources)((?:\.[\w$-]+)+)`)
	callee    = regexp.MustCompile(`^([A-Za-z_][\w.]*)\s*\(`)
	bareName  = regexp.MustCompile(`^[A-Za-z_]\w*`)
	number    = regexp.MustCompile(`^-?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?`)
	constant  = regexp.MustCompile(`^(true|false)\b`)
)

func (p *expressionParser) parse() (result, error) {
	if *p.count++; *p.count > maxNodes {
		return result{}, fmt.Errorf("the file has more than %d expressions with those that they lead to: write fewer", maxNodes)
	}
	// The deploy tool takes blanks around a call, not around a reference.
	if m := reference.FindString(p.rest); m != "" && m == p.rest {
		return p.refer(m)
	}
	p.blanks()
	r, err := p.call()
	if err != nil {
		return result{}, err
	}
	if p.blanks(); p.rest != "" {
		return result{}, p.errorf("goes on with %q: write nothing but vars.x, this.props.x, resources.id.props.x or env('NAME', 'default')", p.rest)
	}
	return r, nil
}

func (p *expressionParser) blanks() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

func (p *expressionParser) take(prefix string) bool {
	rest, found := strings.CutPrefix(p.rest, prefix)
	p.rest = rest
	return found
}

// call reads env(name) or env(name, default).
func (p *expressionParser) call() (result, error) {
	m := callee.FindStringSubmatch(p.rest)
	if m == nil {
		return result{}, p.errorf("is not understood: write vars.x, this.props.x, resources.id.props.x or env('NAME', 'default'), without blanks in it")
	}
	if m[1] != "env" {
		return result{}, p.errorf("calls %s, which is not understood here: write the value itself, or take it from env('NAME')", m[1])
	}
	p.rest = p.rest[len(m[0]):]
	p.blanks()
	name, err := p.name()
	if err != nil {
		return result{}, err
	}
	if name == "" {
		return result{}, p.errorf("names no variable: write ${env('NAME')}")
	}
	fallback, isGiven := result{unresolved: []string{p.whole}}, false
	if p.blanks(); p.take(",") {
		isGiven = true
		p.blanks()
		if fallback, err = p.value(); err != nil {
			return result{}, err
		}
		p.blanks()
	}
	if !p.take(")") {
		return result{}, p.errorf("has no closing parenthesis after the name and the default: write ${env('NAME', 'default')}")
	}
	value, _ := p.env(name)
	switch {
	case value == "" || isGiven && len(fallback.unresolved) > 0: // the default is computed even where it is not needed
		return fallback, nil
	case strings.Contains(value, "${"):
		return result{}, p.errorf("has a value with ${ in it, which the deploy tool computes: set %s to another value", name)
	}
	return result{value: value}, nil
}

func (p *expressionParser) name() (string, error) {
	if p.rest != "" && strings.IndexByte(`'"`, p.rest[0]) >= 0 {
		return p.quoted()
	}
	name := bareName.FindString(p.rest)
	p.rest = p.rest[len(name):]
	return name, nil
}

// value reads a default.
func (p *expressionParser) value() (result, error) {
	if p.rest != "" && strings.IndexByte(`'"`, p.rest[0]) >= 0 {
		text, err := p.quoted()
		return result{value: text}, err
	}
	if m := constant.FindString(p.rest); m != "" {
		p.rest = p.rest[len(m):]
		return result{value: m == "true"}, nil
	}
	if m := number.FindString(p.rest); m != "" {
		p.rest = p.rest[len(m):]
		value, err := plain(m)
		return result{value: value}, err
	}
	if m := reference.FindString(p.rest); m != "" {
		p.rest = p.rest[len(m):]
		return p.refer(m)
	}
	return p.call()
}

// quoted reads a text in quotes with the escapes of JavaScript.
func (p *expressionParser) quoted() (string, error) {
	quote := p.rest[0]
	var out strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; c {
		case quote:
			p.rest = p.rest[i+1:]
			return out.String(), nil
		case '\\':
			i++
			if i == len(p.rest) {
				break
			}
			escaped := strings.IndexByte(`\'"ntr`, p.rest[i])
			if escaped < 0 {
				return "", p.errorf("escapes %q, which is not understood: write the character itself", p.rest[i])
			}
			out.WriteByte("\\'\"\n\t\r"[escaped])
		default:
			out.WriteByte(c)
		}
	}
	return "", p.errorf("has a text without an end: close it with %c, and keep } out of it", quote)
}

// refer looks up vars.x, this.props.x or resources.id.props.x.
func (p *expressionParser) refer(dotted string) (result, error) {
	steps := strings.Split(dotted, ".")
	var within any
	s, cost := p.scope, 1
	switch {
	case steps[0] == "vars":
		within, steps = s.vars, steps[1:]
	case s.this == "":
		return result{}, p.errorf("stands outside of a resource, where only vars and env have values")
	case steps[0] == "this" && p.hops > 0:
		return result{}, p.errorf("is led to by another expression, where the deploy tool does not know this: write the value itself")
	case steps[0] == "this" && len(steps) > 2 && steps[1] == "props":
		within, steps = member(member(s.resources, s.this), "props"), steps[2:]
	case steps[0] == "resources" && len(steps) > 3 && steps[2] == "props":
		// A resource that comes later in the file is looked up as written.
		within, cost, s.this = member(member(s.resources, steps[1]), "props"), 2, steps[1]
		steps = steps[3:]
	default:
		return result{}, p.errorf("is not understood: of a resource write .props and the name of a property")
	}
	for _, step := range steps {
		if within = member(within, step); within == nil {
			return result{}, p.errorf("names nothing: declare %s", dotted)
		}
	}
	if p.hops+cost > maxHops && strings.Contains(fmt.Sprint(within), "${") {
		return result{}, p.errorf("leads through too many others, and the deploy tool would leave some as text: write the value itself")
	}
	return s.deep(within, p.hops+cost)
}

// member is what stands under a name of a mapping or a number of a list, or nil.
func member(value any, name string) any {
	switch value := value.(type) {
	case map[string]any:
		return value[name]
	case []any:
		for i := range value {
			if fmt.Sprint(i) == name {
				return value[i]
			}
		}
	}
	return nil
}
