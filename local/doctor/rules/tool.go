package rules

import (
	"slices"
	"strings"
)

var toolRules = []rule{
	{"component-version", componentVersion},
	{"deploy-order", deployOrder},
	{"deploy-build", deployBuild},
	{"hook-event", hookEvent},
	{"refresh-missing", refreshMissing},
}

// componentVersion: without one the deploy takes whatever the registry serves that day.
func componentVersion(d *deployment) (problems []Problem) {
	for _, id := range d.Resources {
		at := d.root().at("resources", id, "component")
		problems = append(problems, when(!strings.Contains(at.text(), "@"), at.wrong("write component: fc3@0.1.22",
			"the component of %s has no version: a deploy takes what the registry serves that day", id))...)
	}
	return problems
}

// deployOrder: pushes come as soon as the event stream is there, and fail while there is no snapshot.
func deployOrder(d *deployment) (problems []Problem) {
	steps := map[string]int{}
	for i, step := range d.root().at("flow", "deploy").members() {
		for _, id := range step.members() {
			steps[id.text()] = i + 1
		}
	}
	for _, t := range d.streams {
		for _, f := range d.running("refresh") {
			own, first := steps[t.of.path[1]], steps[f.path[1]]
			problems = append(problems, when(own == 0 || first == 0 || own <= first, d.root().at("flow").wrong(
				"write flow: {deploy: [["+f.path[1]+"], ["+t.of.path[1]+"]]}",
				"the event stream of %s may start before %s has made a snapshot", t.of.name, f.name))...)
		}
	}
	return problems
}

// deployBuild: a deploy uploads whatever was built last, of whatever sources.
func deployBuild(d *deployment) []Problem {
	if len(d.functions) == 0 {
		return nil
	}
	builds := func(n node) bool {
		return slices.ContainsFunc(n.members(), func(step node) bool { return step.at("run").text() != "" })
	}
	at := d.root().at("actions")
	found := slices.ContainsFunc(at.members(), func(hook node) bool { return hook.name() == "pre-deploy" && builds(hook) })
	for _, f := range d.functions {
		own := d.root().at("resources", f.path[1], "actions")
		found = found || slices.ContainsFunc(own.members(), func(hook node) bool { return hook.name() == "pre-deploy" && builds(hook) })
	}
	return when(!found, at.wrong("write actions: {pre-deploy: [{run: make build}]}",
		"nothing builds the functions before a deploy: it uploads what was built last"))
}

// hookEvent: as the component's hook, an invocation loses its event, and the function is called with none.
func hookEvent(d *deployment) (problems []Problem) {
	for _, f := range d.functions {
		for _, hook := range d.root().at("resources", f.path[1], "actions").members() {
			for _, step := range hook.members() {
				at := step.at("component")
				problems = append(problems, when(strings.Contains(at.text(), " invoke ") && strings.Contains(at.text(), "--event"),
					at.wrong("write run: s "+f.path[1]+" invoke --event … --skip-actions",
						"the hook of %s calls it without the event: a component's hook drops it", f.name))...)
			}
		}
	}
	return problems
}

// refreshMissing: an enriching function without a refresh that runs has no reference.
func refreshMissing(d *deployment) (problems []Problem) {
	for _, f := range d.running("refresh") {
		timed := slices.ContainsFunc(f.triggers, func(t trigger) bool { return t.kind == "timer" })
		problems = append(problems, when(!timed, f.at("triggers").wrong("add a timer trigger, such as cronExpression: '@every 5m'",
			"%s has no timer: the reference is never read again", f.name))...)
	}
	return problems
}
