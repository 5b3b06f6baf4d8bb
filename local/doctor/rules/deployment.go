package rules

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"feedstream/local/platform/manifest"
)

// deployment is a manifest as rules look at it.
type deployment struct {
	*manifest.Inspection
	env       func(string) (string, bool)
	functions []function
	streams   []trigger // event streams
}

// function is a resource of the manifest: the node is its props.
type function struct {
	node
	name     string
	program  string // what its command starts: enrich, refresh, query, publish or something of the user's own
	triggers []trigger
}

// trigger is one trigger of a function.
type trigger struct {
	node
	kind   string // eventbridge, timer, http …
	config node
	of     *function
}

func newDeployment(i *manifest.Inspection, env func(string) (string, bool)) *deployment {
	d := &deployment{Inspection: i, env: env, functions: make([]function, len(i.Resources))}
	for n, id := range i.Resources {
		f := &d.functions[n]
		f.node = node{i, []string{"resources", id, "props"}}
		f.name = f.at("functionName").text()
		if f.name == "" {
			f.name = id
		}
		if command := f.at("customRuntimeConfig", "command").members(); len(command) > 0 {
			f.program = path.Base(command[0].text())
		}
		for _, t := range f.at("triggers").members() {
			f.triggers = append(f.triggers, trigger{t, t.at("triggerType").text(), t.at("triggerConfig"), f})
		}
		for _, t := range f.triggers {
			if t.kind == "eventbridge" {
				d.streams = append(d.streams, t)
			}
		}
	}
	return d
}

func (d *deployment) root() node { return node{in: d.Inspection} }

// running are the functions that start a program of that name.
func (d *deployment) running(program string) []function {
	return slices.DeleteFunc(slices.Clone(d.functions), func(f function) bool { return f.program != program })
}

// own tells a function that starts a program of this module.
func (f function) own() bool { return environments[f.program] != nil }

// variable is what an environment variable of a function has, or the default of the code.
func (f function) variable(name string) string {
	if value := strings.TrimSpace(f.at("environmentVariables", name).text()); value != "" {
		return value
	}
	return defaults[name]
}

// source is the Kafka side of an event stream.
func (t trigger) source(name string) node {
	return t.config.at("eventSourceConfig", "eventSourceParameters", "sourceKafkaParameters", name)
}

// node is a place in the manifest.
type node struct {
	in   *manifest.Inspection
	path []string
}

func (n node) at(names ...string) node {
	return node{n.in, append(n.path[:len(n.path):len(n.path)], names...)}
}

func (n node) value() any { return n.in.Value(n.path...) }

// unknown tells a value with a variable in it that is not set.
func (n node) unknown() bool { return len(n.in.Unresolved(n.path...)) > 0 }

// present says whether anything is written here, known or not.
func (n node) present() bool { return n.value() != nil || n.unknown() }

// empty says whether nothing, or an empty text, is written here.
func (n node) empty() bool { return !n.unknown() && (n.value() == nil || n.value() == "") }

// text is the value where it is a text and known, else "".
func (n node) text() string {
	if n.unknown() {
		return ""
	}
	text, _ := n.value().(string)
	return text
}

// number is the value where it is a number; fallback where nothing stands.
func (n node) number(fallback float64) float64 {
	if number, err := strconv.ParseFloat(fmt.Sprint(n.value()), 64); err == nil {
		return number
	}
	return fallback
}

// members are the places of a list's or a mapping's members.
func (n node) members() (members []node) {
	switch value := n.value().(type) {
	case []any:
		for i := range value {
			members = append(members, n.at(strconv.Itoa(i)))
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			members = append(members, n.at(name))
		}
	}
	return members
}

// name is the last step of the path: the key of a member.
func (n node) name() string { return n.path[len(n.path)-1] }

// file is the value as a path of this machine: relative to the folder of the manifest.
func (n node) file() string {
	if text := n.text(); text == "" || filepath.IsAbs(text) {
		return text
	}
	return filepath.Join(filepath.Dir(n.in.Path), n.text())
}

// wrong is a problem at this place.
func (n node) wrong(remedy, what string, args ...any) Problem {
	return Problem{Line: n.in.Line(n.path...), What: fmt.Sprintf(what, args...), Remedy: remedy}
}

// each runs a check on every function and joins what it finds.
func (d *deployment) each(check func(function) []Problem) (problems []Problem) {
	for _, f := range d.functions {
		problems = append(problems, check(f)...)
	}
	return problems
}

// eachOwn runs a check on every function that starts a program of this module: what another needs is not known.
func (d *deployment) eachOwn(check func(function) []Problem) (problems []Problem) {
	for _, f := range d.functions {
		if f.own() {
			problems = append(problems, check(f)...)
		}
	}
	return problems
}

// eachStream runs a check on every event stream and joins what it finds.
func (d *deployment) eachStream(check func(trigger) []Problem) (problems []Problem) {
	for _, t := range d.streams {
		problems = append(problems, check(t)...)
	}
	return problems
}

// when is the one problem, or none.
func when(broken bool, p Problem) []Problem {
	if broken {
		return []Problem{p}
	}
	return nil
}
