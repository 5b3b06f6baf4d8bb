package rules

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"feedstream/local/platform/manifest"
	"feedstream/shared/config"
)

var variableRules = []rule{
	{"unset", unset},
	{"empty", empty},
	{"evaluated", evaluated},
	{"unread", unread},
	{"required", required},
	{"refused", refused},
	{"listen-host", listenHost},
	{"certificate-path", certificatePath},
}

// environments are the groups of variables that each program of this module reads: its Config, which a main package
// keeps to itself. A test compares the two.
var environments = map[string]func() []any{
	"enrich": func() []any {
		return []any{&config.Server{}, &config.Kafka{}, &config.HBase{}, &config.OSS{}, &config.Freshness{}, &config.Telemetry{}, &outputTopics{}}
	},
	"refresh": func() []any { return []any{&config.Server{}, &config.Mongo{}, &config.OSS{}, &config.Admission{}} },
	"query": func() []any {
		return []any{&config.Server{}, &config.HBase{}, &config.OSS{}, &config.Freshness{}}
	},
	"publish": func() []any { return []any{&config.Server{}, &config.Kafka{}, &inputTopic{}} },
}

type outputTopics struct {
	Output     string `env:"OUTPUT_TOPIC" envDefault:"feed-records"`
	Quarantine string `env:"QUARANTINE_TOPIC" envDefault:"feed-quarantine"`
}

type inputTopic struct {
	Input string `env:"INPUT_TOPIC" envDefault:"feed-updates"`
}

// defaults are the values that the code has for what the manifest leaves open.
var defaults = func() map[string]string {
	values := map[string]string{}
	for program := range environments {
		for _, v := range variablesOf(program) {
			values[v.Name] = v.Default
		}
	}
	return values
}()

// variablesOf lists what a program reads; nil of a program that is not of this module.
func variablesOf(program string) (variables []config.Variable) {
	groups, known := environments[program]
	if !known {
		return nil
	}
	for _, group := range groups() {
		some, err := config.Variables(group)
		if err != nil {
			panic(err) // a struct of this module without the tags it must have
		}
		variables = append(variables, some...)
	}
	return variables
}

// taken is an expression that takes its value from the environment.
var taken = regexp.MustCompile(`\$\{\s*env\(\s*['"]?([A-Za-z_][A-Za-z0-9_]*)['"]?\s*(?:,\s*(.*?)\s*)?\)\s*\}`)

// unset: a variable without value and default ends the deployment at the first of them, without saying where.
func unset(d *deployment) (problems []Problem) {
	lines := map[string][]int{}
	for _, path := range d.Texts() {
		for _, expression := range d.Unresolved(path...) {
			if m := taken.FindStringSubmatch(expression); m != nil {
				lines[m[1]] = append(lines[m[1]], d.Line(path...))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		at := slices.Compact(lines[name])
		what := name + " is not set, or empty"
		if more := len(at) - 1; more > 0 {
			what += fmt.Sprintf("; needed in %d more lines", more)
		}
		problems = append(problems, Problem{Line: at[0], What: what,
			Remedy: "set " + name + ", in the environment or in a copy of .env.example that --env names"})
	}
	return problems
}

// empty: a variable that is set to nothing looks like a decision, and the default counts.
func empty(d *deployment) (problems []Problem) {
	seen := map[string]bool{}
	for _, path := range d.Texts() {
		for _, m := range taken.FindAllStringSubmatch(d.Written(path...), -1) {
			name, fallback := m[1], strings.Trim(m[2], `'"`)
			value, set := d.env(name)
			if set && value == "" && fallback != "" && !seen[name] {
				seen[name] = true
				problems = append(problems, node{d.Inspection, path}.wrong("give it a value, or take it out",
					"%s is set to nothing, so the default that is written there counts", name))
			}
		}
	}
	return problems
}

// evaluated: the deploy tool computes what stands in ${…} and <%…%> of a value, in a secret too.
func evaluated(d *deployment) (problems []Problem) {
	seen := map[string]bool{}
	for _, path := range d.Texts() {
		for _, m := range taken.FindAllStringSubmatch(d.Written(path...), -1) {
			value, _ := d.env(m[1])
			if !seen[m[1]] && (strings.Contains(value, "${") || strings.Contains(value, "<%")) {
				seen[m[1]] = true
				problems = append(problems, node{d.Inspection, path}.wrong("choose a value without ${ and <%",
					"the value of %s holds ${ or <%%, which the deploy tool computes instead of taking it as written", m[1]))
			}
		}
	}
	return problems
}

// unread: a variable that the program does not read is a misspelt one.
func unread(d *deployment) []Problem {
	return d.each(func(f function) (problems []Problem) {
		var known []string
		for _, v := range variablesOf(f.program) {
			known = append(known, v.Name)
		}
		if known == nil {
			return nil
		}
		for _, v := range f.at("environmentVariables").members() {
			if slices.Contains(known, v.name()) || slices.ContainsFunc(foreign, func(prefix string) bool { return strings.HasPrefix(v.name(), prefix) }) {
				continue
			}
			remedy := "take it out"
			if near := manifest.Nearest(v.name(), known); near != "" {
				remedy = "write " + near
			}
			problems = append(problems, v.wrong(remedy, "%s does not read %s", f.name, v.name()))
		}
		return problems
	})
}

// foreign begin the names of variables that libraries in a program read by themselves, or the reader refuses.
var foreign = []string{"FC_", "GO", "OTEL_", "TZ", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_"}

// required: without it the program ends at its start.
func required(d *deployment) []Problem {
	return d.each(func(f function) (problems []Problem) {
		for _, v := range variablesOf(f.program) {
			if at := f.at("environmentVariables", v.Name); v.Required && !at.unknown() && strings.TrimSpace(at.text()) == "" && !numeric(at) {
				problems = append(problems, at.wrong("add it to environmentVariables", "%s needs %s", f.name, v.Name))
			}
		}
		return problems
	})
}

func numeric(n node) bool { return n.present() && n.text() == "" && fmt.Sprint(n.value()) != "" }

// refused: a value that the program refuses at its start, in the program's own words.
func refused(d *deployment) []Problem {
	return d.each(func(f function) (problems []Problem) {
		groups, known := environments[f.program]
		if !known {
			return nil
		}
		environ, judged := environOf(f)
		for _, group := range groups() {
			err := config.LoadGroups(environ, group)
			if err == nil {
				continue
			}
			for _, err := range leaves(errors.Unwrap(err)) {
				name := variableIn.FindString(err.Error())
				if judged[name] {
					problems = append(problems, f.at("environmentVariables", name).wrong("correct the value", "%s refuses %v", f.name, err))
				}
			}
		}
		return problems
	})
}

var variableIn = regexp.MustCompile(`^[A-Z][A-Z0-9_]+`)

// environOf is the environment of a function as far as it is known, and which of the variables can be judged: what is
// missing breaks another rule, and so does a path of a certificate.
func environOf(f function) (environ []string, judged map[string]bool) {
	judged = map[string]bool{"KAFKA_SASL_MECHANISM": true, "KAFKA_SASL_USERNAME": true, "KAFKA_SASL_PASSWORD": true}
	for _, v := range f.at("environmentVariables").members() {
		switch value := v.text(); {
		case v.unknown():
			delete(judged, v.name())
		case v.name() == "KAFKA_CA" && config.IsPath(value):
		default:
			environ = append(environ, v.name()+"="+value)
			judged[v.name()] = judged[v.name()] || value != ""
		}
	}
	return environ, judged
}

// leaves are the single errors of a joined one.
func leaves(err error) (single []error) {
	joined, ok := err.(interface{ Unwrap() []error }) // not errors.As: one that wraps others has words of its own
	if !ok {
		return []error{err}
	}
	for _, inner := range joined.Unwrap() {
		single = append(single, leaves(inner)...)
	}
	return single
}

// listenHost: a server on the loopback address is never found by the platform.
func listenHost(d *deployment) []Problem {
	return d.each(func(f function) []Problem {
		at := f.at("environmentVariables", "LISTEN_HOST")
		return when(at.text() != "" && at.text() != "0.0.0.0",
			at.wrong("take LISTEN_HOST out", "%s listens on %s: the platform asks it from outside", f.name, at.text()))
	})
}

// certificatePath: a file of this machine is not on the instance.
func certificatePath(d *deployment) []Problem {
	return d.each(func(f function) []Problem {
		at := f.at("environmentVariables", "KAFKA_CA")
		return when(config.IsPath(at.text()) && !strings.HasPrefix(at.text(), "/code/"),
			at.wrong(`write the certificate itself: PEM text on one line, \n for its line breaks`,
				"KAFKA_CA of %s is the file %s, which is not on the instance", f.name, at.text()))
	})
}
