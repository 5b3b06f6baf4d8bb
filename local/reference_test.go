package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"feedstream/local/doctor"
	"feedstream/local/stack"
	"feedstream/local/stack/stacktest"
	"feedstream/shared/oss"
	"feedstream/shared/reference"
)

func bucketOf(t *testing.T, s *stack.Stack) *oss.Bucket {
	t.Helper()
	where := s.Target()
	bucket, err := where.Objects()
	must(t, err)
	return bucket
}

func (w *verbWorld) manifest(t *testing.T) reference.Manifest {
	t.Helper()
	return parsed[reference.Manifest](t, verb(t, w.data, "reference", "show"))
}

// refuses runs a verb that must exit with a code and say some texts on the standard error.
func (w *verbWorld) refuses(t *testing.T, exit int, says []string, args ...string) {
	t.Helper()
	var nothing any
	code, problem := answer(t, w.data, &nothing, args...)
	if code != exit {
		t.Errorf("%q exits with %d, want %d: %s", args, code, exit, problem)
	}
	for _, text := range says {
		if !strings.Contains(problem, text) {
			t.Errorf("%q does not say %q: %s", args, text, problem)
		}
	}
}

// load puts rows into the source; accept is for files that are far smaller than what is there.
func (w *verbWorld) load(t *testing.T, rows ...string) {
	t.Helper()
	csv := filepath.Join(t.TempDir(), "reference.csv")
	text := "Symbol,Company Name,Last Price,Volume\n" + strings.Join(rows, "\n") + "\n"
	must(t, os.WriteFile(csv, []byte(text), 0o600))
	verb(t, w.data, "load-reference", csv, "--accept-shrink")
}

type verbWorld struct{ data string }

// A version is pinned, rolled back, unpinned and compared on a running stack, by the refresh function.
func TestReferenceVerbs(t *testing.T) {
	_, data := running(t)
	w := &verbWorld{data}
	first := w.manifest(t)

	w.load(t, "2318.HK,Ping An,78.25,", "0941.HK,China Mobile,50,")
	w.refuses(t, 1, []string{"REFERENCE_MAX_SHRINK", "from 30 entries to 2"}, "refresh")
	if text := verb(t, data, "refresh", "--accept-shrink"); !strings.Contains(text, "(new), revision 2: 2 entries") {
		t.Errorf("refresh --accept-shrink: %s", text)
	}
	second := w.manifest(t)
	w.load(t, "2318.HK,Ping An,99.99,", "9999.HK,NetEase,,")
	third := parsed[reference.Outcome](t, verb(t, data, "refresh", "--json"))

	text := verb(t, data, "reference", "diff", second.Version, third.Version)
	for _, row := range []string{"removed", "0941.HK", "changed", "78.25", "99.99", "added", "9999.HK"} {
		if !strings.Contains(text, row) {
			t.Errorf("reference diff does not show %s: %s", row, text)
		}
	}
	text = verb(t, data, "reference", "diff", third.Version, third.Version, "--json")
	differences := parsed[[]reference.Difference](t, text)
	if differences == nil || len(differences) != 0 {
		t.Errorf("a version differs from itself: %+v", differences)
	}
	w.refuses(t, 1, []string{`"20200101T000000Z-00000000"`, first.Version, second.Version, third.Version},
		"reference", "pin", "20200101T000000Z-00000000")
	w.refuses(t, 2, nil, "reference", "pin")
	w.refuses(t, 2, nil, "reference", "rollback", "a", "b")
	w.refuses(t, 2, []string{`{"action":"pin","version":"x"}`}, "reference", "pin", "x", "--env", "other.env")

	text = verb(t, data, "reference", "rollback")
	if !strings.Contains(text, "version "+second.Version+" is pinned, revision 4") {
		t.Errorf("reference rollback: %s", text)
	}
	if text := verb(t, data, "refresh"); !strings.Contains(text, second.Version+" (pinned, left alone), revision 4") {
		t.Errorf("refresh of a pinned version: %s", text)
	}
	states := map[string]string{}
	for _, v := range parsed[[]reference.Version](t, verb(t, data, "reference", "list", "--json")) {
		states[v.Version] = v.State
	}
	want := map[string]string{first.Version: "", second.Version: "pinned", third.Version: "previous"}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("reference list: %s", diff)
	}
	text = verb(t, data, "doctor", "--live", "--manifest", stacktest.Manifest)
	if !strings.Contains(text, "pinned since") {
		t.Errorf("doctor does not name the pin: %s", text)
	}
	verb(t, data, "reference", "pin", first.Version)
	w.refuses(t, 1, []string{"REFERENCE_MAX_SHRINK"}, "reference", "unpin")
	if m := w.manifest(t); m.Version != first.Version || !m.Pinned || m.SHA256 != first.SHA256 || m.Entries != 30 {
		t.Errorf("after the refused unpin: %+v", m)
	}
	text = verb(t, data, "reference", "unpin", "--accept-shrink")
	if !strings.Contains(text, "(new), revision 6: 2 entries") {
		t.Errorf("reference unpin: %s", text)
	}
}

// What is damaged in OSS is named by doctor and mended by the verb that doctor names; a stack starts on it.
func TestDamagedReferenceIsMended(t *testing.T) {
	data := t.TempDir()
	start := func() *stack.Stack {
		s, err := stack.Start(t.Context(), stack.Config{Manifest: stacktest.Manifest, Data: data})
		must(t, err)
		return s
	}
	s := start()
	w := &verbWorld{data}
	m := w.manifest(t)
	bucket := bucketOf(t, s)
	altered := append([]byte("x"), make([]byte, m.Bytes-1)...)
	for name, damage := range map[string]func() error{
		"object gone":    func() error { return bucket.Delete(t.Context(), m.Object) },
		"object altered": func() error { return bucket.Put(t.Context(), m.Object, altered, true) },
		"manifest a half": func() error {
			return bucket.Put(t.Context(), "stock/manifest.json", []byte(`{"revision": 1,`), true)
		},
	} {
		must(t, damage())
		var findings []doctor.Finding
		_ = json.Unmarshal([]byte(w.doctor(t)), &findings)
		wrong := slices.DeleteFunc(findings, func(f doctor.Finding) bool { return f.OK })
		if len(wrong) != 1 || wrong[0].Check != "snapshot" || !strings.Contains(wrong[0].Remedy, "`feedstream refresh`") {
			t.Errorf("%s: doctor finds %+v", name, wrong)
		}
		if text := verb(t, data, "refresh"); !strings.Contains(text, "mended: ") || !strings.Contains(text, "damaged") {
			t.Errorf("%s: refresh says %s", name, text)
		}
		m = w.manifest(t)
		object, err := bucket.Get(t.Context(), m.Object, "")
		must(t, err)
		_, err = m.Verify(object.Body)
		must(t, err)
	}
	must(t, bucket.Delete(t.Context(), m.Object))
	must(t, bucket.Put(t.Context(), "stock/manifest.json", nil, true))
	must(t, s.Close())
	s = start()
	t.Cleanup(func() { must(t, s.Close()) })
	if m := w.manifest(t); m.Entries != 30 {
		t.Errorf("after the start: %+v", m)
	}
}

func (w *verbWorld) doctor(t *testing.T) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args := []string{"doctor", "--live", "--json", "--manifest", stacktest.Manifest, "--data", w.data}
	if code := run(t.Context(), args, &stdout, &stderr); code != 1 {
		t.Errorf("doctor exits with %d: %s", code, stderr.String())
	}
	return stdout.String()
}
