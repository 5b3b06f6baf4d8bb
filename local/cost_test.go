package main

import (
	"bytes"
	"strings"
	"testing"

	"feedstream/local/cost"
)

// What a month costs and how large a feed must be, for people and for machines, with no stack running.
func TestCostAndPlan(t *testing.T) {
	tell := func(want int, args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), append(args, "--manifest", "../s.yaml"), &stdout, &stderr); code != want {
			t.Errorf("%q exits with %d: %s", args, code, stderr.String())
		}
		return stdout.String() + stderr.String()
	}
	if text := tell(0, "cost", "--rate", "1000"); !strings.Contains(text, "97.9") || !strings.Contains(text, "unknown") {
		t.Errorf("cost: %s", text)
	}
	bills := parsed[[]cost.Bill](t, tell(0, "cost", "--json"))
	if len(bills) != 2 || bills[0].Total != nil || bills[1].Total == nil {
		t.Errorf("bills = %+v", bills)
	}
	if text := tell(0, "plan", "--rate", "1e6", "--record-size", "200", "--keys", "1e8"); !strings.Contains(text, "first limit met") {
		t.Errorf("plan: %s", text)
	}
	if plan := parsed[cost.Plan](t, tell(0, "plan", "--rate", "1e6", "--json")); plan.Tasks != 200 || len(plan.Limits) == 0 {
		t.Errorf("plan = %+v", plan)
	}
	for _, wrong := range [][]string{{"cost", "--rate", "0"}, {"cost", "--busy", "2"}, {"plan", "--keys", "-1"}} {
		tell(2, wrong...)
	}
	tell(1, "cost", "--prices", "none.yaml")
}
