package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// verb runs a command line on the stack of a data directory and returns what it prints on the standard output.
func verb(t *testing.T, data string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), append(args, "--data", data), &stdout, &stderr); code != 0 {
		t.Fatalf("%q exits with %d: %s", args, code, stderr.String())
	}
	return stdout.String()
}

// answer runs a command line that may fail, and reads what it prints as JSON when it does not.
func answer(t *testing.T, data string, into any, args ...string) (exit int, problem string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	exit = run(t.Context(), append(args, "--data", data), &stdout, &stderr)
	if exit == 0 {
		must(t, json.Unmarshal(stdout.Bytes(), into))
	}
	return exit, stderr.String()
}

func parsed[T any](t *testing.T, text string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return value
}

// The verbs work together on one running stack, for people and for machines.
func TestVerbs(t *testing.T) {
	s, data := running(t)
	if got := parsed[struct{ Published int }](t, verb(t, data, "publish", "--records", "500", "--json")); got.Published != 500 {
		t.Errorf("publish: %+v", got)
	}
	if text := verb(t, data, "publish", "--records", "100", "--seed", "2"); !strings.Contains(text, "published 100 records") {
		t.Errorf("publish: %s", text)
	}
	must(t, s.Settle(t.Context()))

	csv := filepath.Join(t.TempDir(), "more.csv")
	must(t, os.WriteFile(csv, []byte("Symbol,Company Name,Last Price,Volume\n2318.HK,Ping An,78.25,1\n9999.HK,NetEase,,\n"), 0o600))
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"load-reference", csv, "--data", data}, &bytes.Buffer{}, &stderr); code != 1 ||
		!strings.Contains(stderr.String(), "holds 30 documents and would hold 2") || !strings.Contains(stderr.String(), "--accept-shrink") {
		t.Errorf("load-reference of two stocks exits with %d: %s", code, stderr.String())
	}
	if got := parsed[struct{ Loaded int }](t, verb(t, data, "load-reference", csv, "--accept-shrink", "--json")); got.Loaded != 2 {
		t.Errorf("load-reference: %+v", got)
	}
	headerOnly := filepath.Join(t.TempDir(), "empty.csv")
	must(t, os.WriteFile(headerOnly, []byte("Symbol,Company Name,Last Price,Volume\n"), 0o600))
	stderr.Reset()
	if code := run(t.Context(), []string{"load-reference", headerOnly, "--data", data}, &bytes.Buffer{}, &stderr); code != 1 ||
		!strings.Contains(stderr.String(), "no documents") {
		t.Errorf("load-reference of no stock exits with %d: %s", code, stderr.String())
	}
	// Two entries are less than four fifths of thirty: the refresh is refused and says so.
	stderr.Reset()
	if code := run(t.Context(), []string{"refresh", "--data", data}, &bytes.Buffer{}, &stderr); code != 1 ||
		!strings.Contains(stderr.String(), "REFERENCE_MAX_SHRINK") {
		t.Errorf("refresh exits with %d: %s", code, stderr.String())
	}
	manifest := parsed[struct{ Revision, Entries int }](t, verb(t, data, "reference", "show"))
	if manifest.Revision != 1 || manifest.Entries != 30 {
		t.Errorf("reference show: %+v", manifest)
	}
	verb(t, data, "load-reference", "data/hang-seng.csv")
	if text := verb(t, data, "refresh"); !strings.Contains(text, "(unchanged), revision 2: 30 entries of 30 documents") {
		t.Errorf("refresh: %s", text)
	}
	if text := verb(t, data, "reference", "list"); strings.Count(text, ".snap") != 1 {
		t.Errorf("reference list: %s", text)
	}

	type page struct {
		Items []struct{ RowKey string }
		Next  string
	}
	first := parsed[page](t, verb(t, data, "query", "--code", "2318.HK", "--limit", "2", "--json"))
	second := parsed[page](t, verb(t, data, "query", "--code", "2318.HK", "--limit", "2", "--cursor", first.Next, "--json"))
	if len(first.Items) != 2 || len(second.Items) == 0 || first.Items[1].RowKey == second.Items[0].RowKey {
		t.Errorf("pages %+v and %+v", first, second)
	}
	if text := verb(t, data, "query", "--row", first.Items[0].RowKey); !strings.Contains(text, "2318.HK") {
		t.Errorf("query --row: %s", text)
	}
	if got := parsed[struct{ Balanced bool }](t, verb(t, data, "audit", "--json")); !got.Balanced {
		t.Errorf("audit: %+v", got)
	}
}
