// Package config reads a function's environment into typed groups and reports every problem of it
// at once, by the names of the variables.
//
// A function's own config struct consists of groups: the ones of this package for what several
// functions need, and its own. A group is a flat struct with tags of github.com/caarlos0/env; it
// may have a method Validate() error for rules that span fields; it may complete them too.
package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"
)

// validator is a group with rules beyond the types of its fields.
type validator interface{ Validate() error }

// Load fills cfg, a pointer to a struct of groups, from environ ("NAME=value" lines, as os.Environ
// returns them). The error joins one line for every missing or bad variable; cfg must not be used
// then. An empty value counts as absent.
func Load(cfg any, environ []string) error {
	fields := reflect.ValueOf(cfg).Elem()
	groups := make([]any, fields.NumField())
	for i := range groups {
		groups[i] = fields.Field(i).Addr().Interface()
	}
	return LoadGroups(environ, groups...)
}

// LoadGroups is Load for pointers to single groups.
func LoadGroups(environ []string, groups ...any) error {
	options := env.Options{Environment: present(environ)}
	var problems []error
	for _, group := range groups {
		if err := env.ParseWithOptions(group, options); err != nil {
			problems = append(problems, named(err, reflect.TypeOf(group).Elem(), options.Environment)...)
			continue
		}
		if v, ok := group.(validator); ok {
			problems = append(problems, v.Validate())
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("the environment is incomplete or wrong:\n%w", err)
	}
	return nil
}

func present(environ []string) map[string]string {
	values := make(map[string]string, len(environ))
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if !secret(name) {
			value = strings.TrimSpace(value)
		}
		if value != "" {
			values[name] = value
		}
	}
	return values
}

// secret tells the variables whose values are taken to the letter.
func secret(name string) bool {
	return strings.HasSuffix(name, "_PASSWORD") || strings.HasSuffix(name, "_SECRET")
}

// named words the library's errors by variable, value and remedy; the library knows only fields.
func named(err error, group reflect.Type, values map[string]string) []error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return []error{err}
	}
	var problems []error
	for _, err := range all.Errors {
		var missing env.VarIsNotSetError
		var bad env.ParseError
		switch {
		case errors.As(err, &missing):
			err = fmt.Errorf("%s is missing: set it", missing.Key)
		case errors.As(err, &bad):
			field, _ := group.FieldByName(bad.Name)
			name, _, _ := strings.Cut(field.Tag.Get("env"), ",")
			err = fmt.Errorf("%s=%s is not a valid %s: %w%s",
				name, values[name], bad.Type, bad.Err, howToWrite[bad.Type.String()])
			if _, own := reflect.New(field.Type).Interface().(encoding.TextUnmarshaler); own {
				err = fmt.Errorf("%s=%s: %w", name, clip(values[name]), bad.Err)
			}
		}
		problems = append(problems, err)
	}
	return problems
}

// howToWrite completes the error of a value that does not have the type of its field.
var howToWrite = map[string]string{"bool": ": write true or false", "time.Duration": ": write it like 30s or 24h"}

// clip keeps a value, such as a certificate, to a line of a message.
func clip(value string) string {
	const most = 80
	if strings.Contains(value, "-----BEGIN") {
		return "(PEM text)"
	}
	value = strings.ReplaceAll(value, "\n", `\n`)
	if len(value) > most {
		return value[:most] + "…"
	}
	return value
}

// Variable describes one environment variable of a config struct.
type Variable struct {
	Name     string
	Default  string
	Required bool
}

// Variables lists what Load reads for cfg, in the order of its fields.
func Variables(cfg any) ([]Variable, error) {
	params, err := env.GetFieldParams(cfg)
	if err != nil {
		return nil, fmt.Errorf("list the variables of %T: %w", cfg, err)
	}
	variables := make([]Variable, len(params))
	for i, p := range params {
		variables[i] = Variable{Name: p.Key, Default: p.DefaultValue, Required: p.Required}
	}
	return variables, nil
}
