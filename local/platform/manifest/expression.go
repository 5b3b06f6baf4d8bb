package manifest

import (
	"fmt"
	"strconv"
	"strings"
)

// scope gives expressions their values.
type scope struct {
	env  func(string) (string, bool)
	vars map[string]any
}

// expand replaces each ${...} of text. A text that is one single ${vars.x} keeps the type of the variable; any other
// result is a string. Expressions without a value stay as written and are returned as unresolved.
func (s scope) expand(text string) (value any, unresolved []string, err error) {
	var out strings.Builder
	rest := text
	for {
		start := strings.Index(rest, "${")
		if start < 0 {
			break
		}
		length := strings.IndexByte(rest[start:], '}')
		if length < 0 {
			return nil, nil, fmt.Errorf("%q has an expression without an end: close it with }", text)
		}
		expression := rest[start : start+length+1]
		v, known, err := s.eval(expression[2:length])
		if err != nil {
			return nil, nil, err
		}
		if expression == text && known {
			return v, nil, nil
		}
		out.WriteString(rest[:start])
		if known {
			fmt.Fprint(&out, v)
		} else {
			out.WriteString(expression)
			unresolved = append(unresolved, expression)
		}
		rest = rest[start+length+1:]
	}
	out.WriteString(rest)
	return out.String(), unresolved, nil
}

// eval gives the value of one expression; known is false when it has none here.
func (s scope) eval(expression string) (value any, known bool, err error) {
	expression = strings.TrimSpace(expression)
	if path, ok := strings.CutPrefix(expression, "vars."); ok {
		value, err = s.variable(path)
		return value, err == nil, err
	}
	call, ok := strings.CutPrefix(expression, "env(")
	if !ok {
		return nil, false, nil
	}
	arguments, ok := strings.CutSuffix(call, ")")
	if !ok {
		return nil, false, fmt.Errorf("expression ${%s} has no closing parenthesis: write ${env('NAME')}", expression)
	}
	name, fallback, hasFallback := strings.Cut(arguments, ",")
	name = unquote(name)
	if name == "" {
		return nil, false, fmt.Errorf("expression ${%s} names no variable: write ${env('NAME')}", expression)
	}
	if v, set := s.env(name); set {
		return v, true, nil
	}
	if hasFallback {
		return literal(fallback), true, nil
	}
	return nil, false, nil
}

// variable looks up a dotted path under the manifest's vars.
func (s scope) variable(path string) (any, error) {
	var value any = s.vars
	for part := range strings.SplitSeq(path, ".") {
		inner, _ := value.(map[string]any)
		next, ok := inner[part]
		if !ok {
			return nil, fmt.Errorf("expression ${vars.%s} names nothing: declare it under vars", path)
		}
		value = next
	}
	return value, nil
}

// literal is a default: a text in quotes, or a number or truth value without, as for the deploy tool.
func literal(s string) any {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	if s == "true" || s == "false" {
		return s == "true"
	}
	return unquote(s)
}

func unquote(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && (s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}
