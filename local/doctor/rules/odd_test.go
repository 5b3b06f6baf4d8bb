package rules

import "testing"

// However oddly a manifest is written, each problem has a line, a text and a remedy.
func TestOddManifests(t *testing.T) {
	for _, text := range []string{
		"", "resources: [", "resources: 1",
		"resources: {f: {component: fc3, props: {triggers: {a: 1}, customRuntimeConfig: {command: [/code/enrich]}, code: x.zip}}}",
		"resources: {f: {component: fc3@1.2.3, props: {environmentVariables: [a], triggers: [{triggerType: eventbridge}], vpcConfig: auto, logConfig: auto}}}",
		"flow: {deploy: [f, [f]]}\nresources: {f: {component: fc3, props: [1]}}\nactions: [x]",
	} {
		w := newWorld(t)
		w.manifest = text
		problems := w.check(t)
		if len(problems) == 0 {
			t.Errorf("%q has no problem", text)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Rule == "" || p.What == "" || p.Remedy == "" {
				t.Errorf("%q: %+v", text, p)
			}
		}
	}
}
