package reference_test

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"feedstream/shared/oss/osstest"
	"feedstream/shared/reference"
)

// earlier is a store as an earlier release left it: a snapshot in its format and the manifest that names it.
func earlier(t *testing.T) (*osstest.Memory, *reference.Announcer, reference.Manifest) {
	t.Helper()
	store, a := newStore(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
	m, body := described(reference.FormatV1, content("kept"))
	manifest, err := json.Marshal(m)
	must(t, err)
	must(t, store.Put(t.Context(), m.Object, body, false))
	must(t, store.Put(t.Context(), manifestKey, manifest, false))
	return store, a, m
}

// What an earlier release announced is served; the next refresh announces the same content in the new format,
// and a reader moves from the one to the other.
func TestTheFormatOfAnEarlierRelease(t *testing.T) {
	store, a, old := earlier(t)
	now := a.Now()
	cache := reference.NewCache(reference.CacheConfig{
		Objects: store, Prefix: "stock/", MaxAge: 24 * time.Hour, Now: func() time.Time { return now },
		Logger: slog.New(slog.DiscardHandler),
	})
	served := func(version string) {
		t.Helper()
		view, err := cache.Current(t.Context())
		must(t, err)
		entry, found := view.Snapshot.Find("2318.HK")
		if !found || entry.Name != "kept" || view.Snapshot.Version() != version {
			t.Errorf("%s holds %+v, %v, want version %s", view.Snapshot.Version(), entry, found, version)
		}
	}
	served(old.Version)
	found, err := a.Inspect(t.Context())
	if err != nil || !found.Whole || found.Manifest != old {
		t.Fatalf("inspected: %+v, %v", found, err)
	}
	next, err := a.Announce(t.Context(), found.Manifest, content("kept"), reference.Source{})
	must(t, err)
	if next.Format != reference.Format || next.Previous != old.Version || next.Revision != old.Revision+1 {
		t.Errorf("announced %+v after %+v", next, old)
	}
	served(next.Version)
	if differences, err := a.Diff(t.Context(), old.Version, next.Version); err != nil || len(differences) > 0 {
		t.Errorf("they differ: %v, %v", differences, err)
	}
	back, err := a.Rollback(t.Context(), next, "")
	must(t, err)
	if back.Format != reference.FormatV1 || back.Object != old.Object || back.SHA256 != old.SHA256 {
		t.Errorf("rolled back to %+v instead of %+v", back, old)
	}
	served(old.Version)
}

// A damaged object is written again in the format that its manifest names.
func TestRestoreInTheFormatOfAnEarlierRelease(t *testing.T) {
	store, a, old := earlier(t)
	must(t, store.Put(t.Context(), old.Object, []byte("damaged"), true))
	if restored, err := a.Restore(t.Context(), old, content("kept")); err != nil || !restored {
		t.Fatalf("restored: %v, %v", restored, err)
	}
	if found, err := a.Inspect(t.Context()); err != nil || !found.Whole {
		t.Errorf("inspected: %+v, %v", found, err)
	}
	if restored, err := a.Restore(t.Context(), old, content("other")); err != nil || restored {
		t.Errorf("restored from another content: %v, %v", restored, err)
	}
}

// A manifest and an object of different formats do not belong together.
func TestAManifestNamesTheFormatOfItsObject(t *testing.T) {
	for _, format := range []string{reference.Format, reference.FormatV1} {
		m, body := described(format, content("kept"))
		if _, err := m.Verify(body); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		m.Format = map[string]string{reference.Format: reference.FormatV1, reference.FormatV1: reference.Format}[format]
		if _, err := m.Verify(body); err == nil {
			t.Errorf("an object in %s is accepted as %s", format, m.Format)
		}
	}
}
