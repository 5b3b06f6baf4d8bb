package main

import (
	"bytes"
	"strings"
	"testing"

	"feedstream/local/trace"
	"feedstream/shared/feed"
)

// A record is published as it is, and its way is followed from its place and from its row.
func TestTrace(t *testing.T) {
	s, data := running(t)
	publish := func(key, value string) string {
		t.Helper()
		return parsed[[]feed.Origin](t, verb(t, data, "publish", "--key", key, "--value", value, "--json"))[0].String()
	}
	good, unknown, bad := publish("192.168.2.17", "2318.HK,1605760851123"), publish("192.168.2.18", "9999.HK,1605760851123"), publish("192.168.2.17", "no")
	must(t, s.Settle(t.Context()))
	for at, want := range map[string]trace.Verdict{good: trace.Enriched, unknown: trace.Unmatched, bad: trace.Quarantined} {
		way := parsed[trace.Way](t, verb(t, data, "trace", "--at", at))
		if way.Verdict != want || way.Input == nil || way.Origin.String() != at || (way.Row != nil) != (want != trace.Quarantined) {
			t.Errorf("the way of %s is %+v, want it %s", at, way, want)
		}
	}
	way := parsed[trace.Way](t, verb(t, data, "trace", "--row", "192.168.2.17|2318.HK"))
	if way.Origin.String() != good || way.Record == nil || way.Record.StockName == "" || len(way.Row.Cells) == 0 {
		t.Errorf("the way to the row is %+v", way)
	}
	if nothing := parsed[trace.Way](t, verb(t, data, "trace", "--at", "feed-updates/0/99999")); nothing.Input != nil || nothing.Verdict != trace.Waiting {
		t.Errorf("the way of what is not there is %+v", nothing)
	}
	for at, want := range map[string]string{"feed-updates/9/1": "has no partition 9", "feed-records/0/99999": "the input topic is feed-updates"} {
		if exit, problem := answer(t, data, nil, "trace", "--at", at); exit != 1 || !strings.Contains(problem, want) {
			t.Errorf("the way of %s, which no record can have, exits with %d: %s", at, exit, problem)
		}
	}
	for _, args := range [][]string{{"quarantine", "list", "--reason", "nonsense"}, {"deadletter", "redrive", "--reason", "missing-key"}, {"replay", "--code", "a b"}} {
		var stdout, stderr bytes.Buffer
		if exit := run(t.Context(), append(args, "--data", data), &stdout, &stderr); exit != 2 || stdout.Len() > 0 {
			t.Errorf("%q exits with %d, says %q, and prints %q", args, exit, stderr.String(), stdout.String())
		}
	}
	if exit, problem := answer(t, data, nil, "trace", "--row", "a|b"); exit != 1 || !strings.Contains(problem, `has no row "a|b"`) {
		t.Errorf("a row that is not there exits with %d: %s", exit, problem)
	}
	if exit, _ := answer(t, data, nil, "trace"); exit != 2 {
		t.Errorf("trace of nothing exits with %d", exit)
	}
	if text := verb(t, data, "retry"); !strings.Contains(text, "tried now") {
		t.Errorf("retry: %s", text)
	}
}
