package main

import (
	"bytes"
	"strings"
	"testing"

	"feedstream/local/stack/stacktest"
)

// Rules are set, listed with how often each has happened, and cleared.
func TestFaultsVerb(t *testing.T) {
	_, data := running(t)
	if text := verb(t, data, "faults", "set", "kafka.metadata delay 1ms", "oss.get drop 5%", "--seed", "7"); !strings.Contains(text, "oss.get drop 5%") {
		t.Errorf("faults set: %s", text)
	}
	verb(t, data, "publish", "--records", "10")
	type listed []struct {
		Rule     string
		Injected int
	}
	if got := parsed[listed](t, verb(t, data, "faults", "list", "--json")); len(got) != 2 || got[0].Rule != "kafka.metadata 1ms" || got[0].Injected == 0 {
		t.Errorf("faults list: %+v", got)
	}
	if got := parsed[listed](t, verb(t, data, "faults", "clear", "--json")); len(got) != 2 {
		t.Errorf("faults clear: %+v", got)
	}
	if got := parsed[listed](t, verb(t, data, "faults", "list", "--json")); len(got) != 0 {
		t.Errorf("after faults clear: %+v", got)
	}
	for _, test := range []struct {
		args string
		exit int
		want string
	}{
		{"faults set kafka.mutate", 1, "there are kafka.produce, kafka.fetch"},
		{"faults set", 2, "faults set takes rules"},
		{"up --ephemeral --manifest " + stacktest.Manifest + " --faults redis.get", 1, `nothing is called "redis"`},
	} {
		var stderr bytes.Buffer
		args := append(strings.Fields(test.args), "--data", data)
		if code := run(t.Context(), args, &bytes.Buffer{}, &stderr); code != test.exit || !strings.Contains(stderr.String(), test.want) {
			t.Errorf("%s exits with %d: %s", test.args, code, stderr.String())
		}
	}
}
