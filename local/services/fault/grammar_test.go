package fault_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"feedstream/local/services/fault"
)

var targets = []fault.Target{
	fault.Served("kafka", []string{"produce", "fetch"}),
	fault.Served("oss", []string{"get", "put"}, "corrupt", "truncate").Erring([]string{"SlowDown", "AccessDenied", "ServiceUnavailable"}),
	{Name: "enrich", Calls: []fault.Call{
		{Name: "kill", Words: []string{fault.WordAfter, fault.WordDelay}},
		{Name: "freeze", Words: []string{fault.WordDelay}, Needs: []string{fault.WordDelay}},
	}},
	{Name: "clock", Calls: []fault.Call{{Words: []string{fault.WordShift}, Needs: []string{fault.WordShift}}}},
}

func TestParse(t *testing.T) {
	t.Parallel()
	after := fault.After
	for text, want := range map[string]fault.Rule{
		"kafka.produce after drop 5%":             {Call: "kafka.produce", Share: 0.05, Fault: fault.Fault{When: after, Drop: true}},
		"Kafka.Produce before error THROTTLED 3x": {Call: "kafka.produce", Count: 3, Fault: fault.Fault{Err: "THROTTLED"}},
		" oss.get  before delay 2s 10% ":          {Call: "oss.get", Share: 0.1, Fault: fault.Fault{Delay: 2 * time.Second}},
		"oss.get 2s drop":                         {Call: "oss.get", Fault: fault.Fault{Delay: 2 * time.Second, Drop: true}},
		"oss.get corrupt 0.5% 2x":                 {Call: "oss.get", Own: "corrupt", Share: 0.005, Count: 2},
		"oss.get error accessdenied":              {Call: "oss.get", Fault: fault.Fault{Err: "AccessDenied"}},
		"enrich.kill 1%":                          {Call: "enrich.kill", Share: 0.01},
		"enrich.kill after":                       {Call: "enrich.kill", Fault: fault.Fault{When: after}},
		"enrich.freeze 30s":                       {Call: "enrich.freeze", Fault: fault.Fault{Delay: 30 * time.Second}},
		"clock +10m":                              {Call: "clock", Fault: fault.Fault{Delay: 10 * time.Minute}},
		"clock -30s 5%":                           {Call: "clock", Share: 0.05, Fault: fault.Fault{Delay: -30 * time.Second}},
	} {
		got, err := fault.Parse(text, targets)
		if err != nil || got != want {
			t.Errorf("%q is read as %+v, %v; want %+v", text, got, err, want)
		}
		if again, err := fault.Parse(got.String(), targets); err != nil || again != want {
			t.Errorf("%q is written as %q, which is read as %+v, %v", text, got, again, err)
		}
	}
}

// What is wrong is told with the rule, the place, and what there is instead.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                           "the targets are kafka, oss, enrich, clock",
		"redis.get drop":             `word 1: nothing is called "redis": the targets are kafka, oss, enrich, clock`,
		"kafka drop":                 `"kafka" is no call of kafka: there are kafka.produce, kafka.fetch`,
		"kafka.mutate drop":          `"kafka.mutate" is no call of kafka: there are kafka.produce, kafka.fetch`,
		"kafka.produce":              "add one of delay, drop, error",
		"kafka.produce after 5%":     "add one of delay, drop, error",
		"kafka.produce corrupt":      `word 2, "corrupt": it cannot follow here: kafka.produce takes before, after, delay, drop, error,`,
		"kafka.produce drop drop":    `word 3, "drop": "drop" was said before it`,
		"kafka.produce drop error X": `word 3, "error": "drop" was said before it`,
		"kafka.produce before after": `word 3, "after": "before" was said before it`,
		"kafka.produce drop 5% 6%":   `word 4, "6%": "%" was said before it`,
		"oss.get corrupt truncate":   `word 3, "truncate": "corrupt" was said before it`,
		"kafka.produce error":        `word 2, "error": say the name of the error`,
		"oss.get error SlowUp":       `no error here is called "SlowUp": there are 3, such as SlowDown, ServiceUnavailable, AccessDenied`,
		"kafka.produce delay":        `word 2, "delay": say how long`,
		"kafka.produce delay soon":   `"soon" is no time to wait`,
		"kafka.produce -2s":          `"-2s" is no time to wait`,
		"kafka.produce drop 0%":      `word 3, "0%": a share lies between`,
		"kafka.produce drop NaN%":    "a share lies between",
		"kafka.produce drop 101%":    "a share lies between",
		"kafka.produce drop 0x":      "a count is at least 1x",
		"enrich.kill before":         `word 2, "before": it cannot follow here: enrich.kill takes after, delay,`,
		"enrich.freeze":              "add one of delay",
		"enrich.kill drop":           "it cannot follow here",
		"clock":                      "add one of ±DURATION",
		"clock 0s":                   "a shift of nothing",
		"clock ±DURATION":            "it cannot follow here",
		"clock.x +10m":               `"clock.x" is no call of clock: there are clock`,
	} {
		_, err := fault.Parse(text, targets)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: error %v, want one with the rule and %s", text, err, want)
		}
	}
}

// Whatever is read as a rule is written in words that are read as the same rule.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"kafka.produce after drop 5%", "oss.get 2s corrupt 3x", "enrich.freeze 30s", "clock -1m 5%", "x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rule, err := fault.Parse(text, targets)
		if err != nil {
			return
		}
		again, err := fault.Parse(rule.String(), targets)
		if err != nil || again.String() != rule.String() {
			t.Errorf("%q is written as %q, which is read as %q, %v", text, rule, again, err)
		}
	})
}

// A seed draws the same calls again, about as many as the share says; counts are of those that it happened to.
func TestShares(t *testing.T) {
	t.Parallel()
	drawn := func(seed uint64) (calls []int, plan *fault.Plan) {
		plan = fault.Seeded(seed, fault.Rule{Call: "get", Share: 0.1, Fault: fault.Fault{Drop: true}}, fault.Rule{Call: "put", Share: 0.5, Count: 3})
		for i := range 10_000 {
			if plan.Next("get").Drop {
				calls = append(calls, i)
			}
			plan.Next("put")
		}
		return calls, plan
	}
	first, plan := drawn(1)
	again, _ := drawn(1)
	other, _ := drawn(2)
	if len(first) < 800 || len(first) > 1200 || !slices.Equal(first, again) || slices.Equal(first, other) {
		t.Errorf("drawn %d, again %d, with another seed %d", len(first), len(again), len(other))
	}
	if done := plan.Injected(); done[0].Times != len(first) || done[1].Times != 3 {
		t.Errorf("injected %+v, want %d and 3", done, len(first))
	}
}
