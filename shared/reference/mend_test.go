package reference_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"feedstream/shared/oss/osstest"
	"feedstream/shared/reference"
	"feedstream/shared/testkit"
)

const manifestKey = "stock/manifest.json"

// damages are what may have become of what was announced; each names the key that it concerns.
func damages(m reference.Manifest) map[string]func(context.Context, *osstest.Memory) error {
	put := func(key, body string) func(context.Context, *osstest.Memory) error {
		return func(ctx context.Context, store *osstest.Memory) error { return store.Put(ctx, key, []byte(body), true) }
	}
	return map[string]func(context.Context, *osstest.Memory) error{
		"object gone": func(ctx context.Context, store *osstest.Memory) error { return store.Delete(ctx, m.Object) },
		"object cut":  put(m.Object, "feedstream.snapshot.v1\t1\n2318"), "object empty": put(m.Object, ""),
		"object altered":          put(m.Object, strings.Repeat("x", int(m.Bytes))),
		"object of other entries": put(m.Object, string(reference.Encode(content("other")))),
		"manifest cut":            put(manifestKey, `{"revision": 12, "vers`),
		"manifest empty":          put(manifestKey, ""),
		"manifest of no members":  put(manifestKey, "{}"),
		"manifest is a list":      put(manifestKey, "[]"),
		"manifest beyond counting": put(manifestKey,
			fmt.Sprintf(`{"revision": 9223372036854775807, "format": %q}`, reference.Format)),
	}
}

// Whatever is damaged, inspection names it, and an announcement, of the same content or of another, leaves
// the store whole, even when each of its calls fails once, applied or not.
func TestAnnouncementMendsDamage(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for name := range damages(reference.Manifest{}) {
		for _, next := range []string{"old", "new"} {
			for _, applied := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/%v", name, next, applied), func(t *testing.T) {
					for call := 1; mends(t, now, name, next, call, applied); call++ {
						continue
					}
				})
			}
		}
	}
}

// mends reports whether the announcement came to the call that was to fail.
func mends(t *testing.T, now time.Time, damage, next string, call int, applied bool) (failed bool) {
	t.Helper()
	store, a := newStore(now)
	first, err := a.Announce(t.Context(), reference.Manifest{}, content("old"), reference.Source{})
	must(t, err)
	must(t, damages(first)[damage](t.Context(), store))
	a.Now = func() time.Time { return now.Add(5 * time.Minute) }
	announce := func() error {
		found, err := a.Inspect(t.Context())
		if err != nil {
			return err
		}
		_, err = a.Announce(t.Context(), found.Manifest, content(next), reference.Source{})
		return err
	}
	found, err := a.Inspect(t.Context())
	if err != nil || len(found.Damage) != 1 || !errors.Is(found.Damage[0], reference.ErrDamaged) || found.Whole {
		t.Errorf("inspected: %+v, %v", found, err)
	}
	calls := 0
	store.Fault(func(osstest.Op, string) osstest.Fault {
		if calls++; calls == call {
			return osstest.Fault{Err: errors.New("down"), Applied: applied}
		}
		return osstest.Fault{}
	})
	_ = announce() // may fail
	store.Fault(nil)
	must(t, announce())
	m := intact(t, store, a)
	if want := len(reference.Encode(content(next))); m.Bytes != int64(want) || !m.CheckedAt.After(first.CheckedAt) {
		t.Errorf("call %d: %+v after %+v", call, m, first)
	}
	if found, err := a.Inspect(t.Context()); err != nil || found.Damage != nil || !found.Whole {
		t.Errorf("call %d: inspected again: %+v, %v", call, found, err)
	}
	return calls >= call
}

// A body that arrives corrupt is asked for again; corrupt for good, it is damage.
func TestCorruptBodies(t *testing.T) {
	for _, test := range []struct {
		key     string
		times   int
		damaged bool
	}{
		{manifestKey, 1, false}, {manifestKey, 2, true}, {"stock/snapshots/", 1, false}, {"stock/snapshots/", 2, true},
	} {
		store, a := newStore(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
		_, err := a.Announce(t.Context(), reference.Manifest{}, content("one"), reference.Source{})
		must(t, err)
		seen := 0
		store.Fault(func(op osstest.Op, key string) osstest.Fault {
			if op == osstest.OpGet && strings.HasPrefix(key, test.key) && seen < test.times {
				seen++
				return osstest.Fault{Err: fmt.Errorf("get: %w", reference.ErrCorrupt)}
			}
			return osstest.Fault{}
		})
		found, err := a.Inspect(t.Context())
		if err != nil || (len(found.Damage) > 0) != test.damaged {
			t.Errorf("%+v: %+v, %v", test, found, err)
		}
	}
}

// A manifest that another release wrote is no damage: it is not written over.
func TestAManifestOfAnotherFormatStays(t *testing.T) {
	store, a := newStore(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
	must(t, store.Put(t.Context(), manifestKey, []byte(`{"revision": 3, "format": "feedstream.snapshot.v3"}`), true))
	_, err := a.Inspect(t.Context())
	testkit.WantError(t, err, "feedstream.snapshot.v3")
	if _, err := a.Announce(t.Context(), reference.Manifest{}, content("one"), reference.Source{}); err == nil {
		t.Error("it was written over")
	}
}

// Without a manifest that can be read, what is new is compared with the newest snapshot that is whole.
func TestInspectFindsTheNewestWholeSnapshot(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	store, a := newStore(now)
	a.Now = func() time.Time { now = now.Add(time.Minute); return now }
	var m reference.Manifest
	var announced []reference.Manifest
	for _, name := range []string{"one", "two", "three"} {
		var err error
		m, err = a.Announce(t.Context(), m, content(name), reference.Source{})
		must(t, err)
		announced = append(announced, m)
	}
	must(t, store.Put(t.Context(), announced[2].Object, []byte("half"), true))
	must(t, store.Put(t.Context(), manifestKey, []byte("{"), true))
	found, err := a.Inspect(t.Context())
	if err != nil || found.Content == nil || found.Content.Version() != announced[1].Version || found.Entries() != 1 {
		t.Errorf("inspected: %+v, %v", found, err)
	}
}

// Two announcements at once: a second one runs whole before each call of the first. What readers see stays
// intact; the one that comes too late says so, or is put right by the next.
func TestTwoAnnouncementsAtOnce(t *testing.T) {
	for call := 1; ; call++ {
		now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
		store, a := newStore(now)
		a.Now = func() time.Time { now = now.Add(time.Second); return now }
		first, err := a.Announce(t.Context(), reference.Manifest{}, content("first"), reference.Source{})
		must(t, err)
		calls := 0
		store.Fault(func(osstest.Op, string) osstest.Fault {
			if calls++; calls == call {
				_, err := a.Announce(t.Context(), first, content("second"), reference.Source{})
				must(t, err)
			}
			return osstest.Fault{}
		})
		_, err = a.Announce(t.Context(), first, content("third"), reference.Source{})
		store.Fault(nil)
		if calls < call {
			break
		}
		if err != nil && !errors.Is(err, reference.ErrMoved) {
			t.Errorf("call %d: %v", call, err)
		}
		m := intact(t, store, a)
		if m.Revision != first.Revision+1 {
			t.Errorf("call %d: revision %d", call, m.Revision)
		}
		last, err := a.Announce(t.Context(), m, content("third"), reference.Source{})
		must(t, err)
		if m := intact(t, store, a); m.Version != last.Version || m.Revision != first.Revision+2 {
			t.Errorf("call %d: %+v", call, m)
		}
	}
}

// foreign is a manifest like the announced one, of another content, whose object is there. For the content
// "loaded" it is the announced one.
func (w *world) foreign(t *testing.T, name string) reference.Manifest {
	t.Helper()
	if name == "loaded" {
		return w.manifest
	}
	elsewhere, a := newStore(w.manifest.CheckedAt)
	m, err := a.Announce(t.Context(), reference.Manifest{}, content(name), reference.Source{})
	must(t, err)
	object, err := elsewhere.Get(t.Context(), m.Object, "")
	must(t, err)
	must(t, w.store.Put(t.Context(), m.Object, object.Body, true))
	m.Revision = w.manifest.Revision
	return m
}

func (w *world) putManifest(t *testing.T, m reference.Manifest) {
	t.Helper()
	body, err := json.MarshalIndent(m, "", "  ")
	must(t, err)
	must(t, w.store.Put(t.Context(), manifestKey, body, true))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A manifest whose revision does not go up is taken when it is later, and never passed over in silence.
func TestCacheFollowsABucketThatBeganAnew(t *testing.T) {
	const hour = time.Hour
	later := func(m *reference.Manifest) { m.CheckedAt = m.CheckedAt.Add(hour) }
	higher := func(m *reference.Manifest) { m.Revision++; m.CheckedAt = m.CheckedAt.Add(-hour) }
	lower := func(by time.Duration) func(*reference.Manifest) {
		return func(m *reference.Manifest) { m.Revision--; m.CheckedAt = m.CheckedAt.Add(by) }
	}
	for _, test := range []struct {
		name    string
		change  func(*reference.Manifest)
		content string
		taken   bool
		warns   string
	}{
		{"lower and later", lower(hour), "new", true, "began anew"},
		{"equal and later", later, "new", true, "began anew"},
		{"equal, later, same content", later, "loaded", true, "began anew"},
		{"lower and earlier", lower(-hour), "new", false, "older"},
		{"lower, same time", lower(0), "new", false, "older"},
		{"equal, same time", func(*reference.Manifest) {}, "new", false, "older"},
		{"the same, written again", func(*reference.Manifest) {}, "loaded", true, ""},
		{"higher and earlier", higher, "new", true, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, false)
			w.announce(t, "loaded")
			w.now = w.now.Add(time.Minute)
			w.see(t, "loaded")
			w.log.Reset()
			m := w.foreign(t, test.content)
			test.change(&m)
			w.putManifest(t, m)
			w.now = w.now.Add(time.Minute)
			want := "loaded"
			if test.taken {
				want = test.content
			}
			w.see(t, want)
			if view, err := w.cache.Current(t.Context()); err != nil || test.taken != (view.Manifest == m) {
				t.Errorf("the cache has %+v, %v", view.Manifest, err)
			}
			if text := w.log.String(); (test.warns == "") != (text == "") || !strings.Contains(text, test.warns) {
				t.Errorf("logged %q, want %q", text, test.warns)
			}
		})
	}
}
