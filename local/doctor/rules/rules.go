// Package rules holds what must be true of a feed's s.yaml before it is deployed, rule by rule: what Function Compute,
// its event streams and the functions of this module accept without a word and then do otherwise than meant.
//
// Rules look at resolved values. A value that is not known (its variable is unset) breaks the rule "unset" and no other.
// traps.tsv holds every known trap of the platform with what closes it.
package rules

import (
	"cmp"
	"slices"

	"feedstream/local/platform/manifest"
)

// Problem is one thing wrong with a deployment.
type Problem struct {
	Rule   string `json:"rule"`
	Line   int    `json:"line"` // of the manifest
	What   string `json:"what"` // the thing and its value; never a secret
	Remedy string `json:"remedy"`
}

// rule is one thing that must be true, by the name under which it is reported.
type rule struct {
	name  string
	check func(*deployment) []Problem
}

var all = slices.Concat(
	variableRules, secretRules, functionRules, codeRules, networkRules, triggerRules, deadLetterRules, nameRules, toolRules)

// Manifest names the problems that the reader of the manifest finds by itself.
const Manifest = "manifest"

// Names lists the names of all rules.
func Names() []string {
	names := []string{Manifest}
	for _, r := range all {
		names = append(names, r.name)
	}
	return names
}

// Check looks at the manifest at path as it would be deployed. Env gives ${env(...)} its values. Problems come in the
// order of the file. The error is about a file that cannot be read.
func Check(path string, env func(string) (string, bool)) ([]Problem, error) {
	i, err := manifest.Inspect(path, nonEmpty(env))
	if err != nil {
		return nil, err
	}
	var problems []Problem
	for _, p := range i.Problems {
		problems = append(problems, Problem{Rule: Manifest, Line: p.Line, What: p.Text, Remedy: "correct the line"})
	}
	d := newDeployment(i, env)
	for _, r := range all {
		for _, p := range r.check(d) {
			p.Rule = r.name
			problems = append(problems, p)
		}
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return problems, nil
}

// nonEmpty is an environment in which an empty variable counts as unset, as it does for the deploy tool and for the
// functions.
func nonEmpty(env func(string) (string, bool)) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, _ := env(name)
		return value, value != ""
	}
}
