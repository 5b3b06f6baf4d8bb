package main

import (
	"io"
	"testing"

	"feedstream/local/stack"
	"feedstream/local/stack/stacktest"
)

func TestMain(m *testing.M) { stacktest.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// running starts a stack that ends with the test, and returns its data directory.
func running(t *testing.T) (*stack.Stack, string) {
	t.Helper()
	data := t.TempDir()
	s, err := stack.Start(t.Context(), stack.Config{Manifest: stacktest.Manifest, Data: data})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s, data
}

func TestExitCodes(t *testing.T) {
	for _, test := range []struct {
		args []string
		want int
	}{
		{[]string{"--help"}, 0},
		{[]string{"--version"}, 0},
		{[]string{"up", "--nonsense"}, 2},
		{[]string{"up", "--drain"}, 2},
		{[]string{"up", "--rate", "-5"}, 2},
		{[]string{"up", "--rate", "50", "--bad-ratio", "2"}, 2},
		{[]string{"query"}, 2},
		{[]string{"load-reference"}, 2},
		{[]string{"audit", "--from", "yesterday"}, 2},
		{[]string{"quarantine"}, 2},
		{[]string{"quarantine", "mend"}, 2},
		{[]string{"quarantine", "redrive", "--max", "-1"}, 2},
		{[]string{"deadletter", "redrive", "--set", "nonsense"}, 2},
		{[]string{"deadletter", "list", "--from", "yesterday"}, 2},
		{[]string{"replay", "--to", "yesterday"}, 2},
		{[]string{"replay", "--all", "--data", t.TempDir()}, 1},
		{[]string{"publish", "--key", "a"}, 2},
		{[]string{"audit", "--data", t.TempDir()}, 1},
		{[]string{"up", "--manifest", "absent.yaml"}, 1},
	} {
		if got := run(t.Context(), test.args, io.Discard, io.Discard); got != test.want {
			t.Errorf("%q exits with %d, want %d", test.args, got, test.want)
		}
	}
}
