package reference_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"feedstream/shared/feed"
	"feedstream/shared/oss/osstest"
	"feedstream/shared/reference"
)

func newStore(at time.Time) (*osstest.Memory, *reference.Announcer) {
	clock := func() time.Time { return at }
	store := osstest.NewMemory(clock)
	return store, &reference.Announcer{Objects: store, Prefix: "stock/", Now: clock}
}

func content(name string) map[string]feed.Entry {
	return map[string]feed.Entry{"2318.HK": {Name: name}}
}

// intact fails unless the manifest, if there is one, points at a snapshot that fits it.
func intact(t *testing.T, store *osstest.Memory, a *reference.Announcer) reference.Manifest {
	t.Helper()
	m, found, err := a.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		return m
	}
	object, err := store.Get(t.Context(), m.Object, "")
	if err != nil {
		t.Fatalf("the manifest points at %s: %v", m.Object, err)
	}
	if _, err := m.Verify(object.Body); err != nil {
		t.Fatal(err)
	}
	return m
}

// Each call of an announcement fails, or fails although it was applied. What readers see stays
// intact, revisions only go up, and the repetition brings the new content.
func TestAnnouncementSurvivesEveryFault(t *testing.T) {
	down := errors.New("down")
	for _, applied := range []bool{false, true} {
		for call := 1; ; call++ {
			now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
			store, a := newStore(now)
			first, err := a.Announce(t.Context(), reference.Manifest{}, content("old"), reference.Source{})
			if err != nil {
				t.Fatal(err)
			}
			calls := 0
			store.Fault(func(osstest.Op, string) osstest.Fault {
				if calls++; calls == call {
					return osstest.Fault{Err: down, Applied: applied}
				}
				return osstest.Fault{}
			})
			_, err = a.Announce(t.Context(), first, content("new"), reference.Source{})
			store.Fault(nil)
			if calls < call {
				if err != nil {
					t.Errorf("no fault and %v", err)
				}
				break // every call has failed once
			}
			t.Run(fmt.Sprintf("call %d, applied %v", call, applied), func(t *testing.T) {
				if !errors.Is(err, down) {
					t.Errorf("error = %v", err)
				}
				between := intact(t, store, a)
				if between.Revision < first.Revision {
					t.Errorf("revision %d after %d", between.Revision, first.Revision)
				}
				last, err := a.Announce(t.Context(), between, content("new"), reference.Source{})
				if err != nil {
					t.Fatal(err)
				}
				if m := intact(t, store, a); m.Revision != between.Revision+1 || m.Version != last.Version || m.Version == first.Version {
					t.Errorf("manifest %+v after %+v", m, between)
				}
			})
		}
	}
}

func TestAnnouncementOverAForeignObject(t *testing.T) {
	store, a := newStore(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
	m, err := a.Announce(t.Context(), reference.Manifest{}, content("one"), reference.Source{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Put(t.Context(), m.Object, []byte("something else"), true); err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(t.Context(), "stock/manifest.json"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Announce(t.Context(), reference.Manifest{}, content("one"), reference.Source{}); err == nil {
		t.Error("an object with other content is announced")
	}
	if _, found, err := a.Current(t.Context()); err != nil || found {
		t.Errorf("a manifest is there: %v", err)
	}
}

func TestUnchangedContentKeepsItsObject(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	store, a := newStore(now)
	first, err := a.Announce(t.Context(), reference.Manifest{}, content("same"), reference.Source{})
	if err != nil {
		t.Fatal(err)
	}
	later := now.Add(5 * time.Minute)
	a.Now = func() time.Time { return later }
	second, err := a.Announce(t.Context(), first, content("same"), reference.Source{Read: 3})
	if err != nil {
		t.Fatal(err)
	}
	if second.Object != first.Object || second.Version != first.Version || second.Previous != first.Previous ||
		second.Revision != 2 || !second.CheckedAt.Equal(later) || !second.BuiltAt.Equal(now) || second.Source.Read != 3 {
		t.Errorf("%+v after %+v", second, first)
	}
	stored, err := store.List(t.Context(), "stock/snapshots/")
	if err != nil || len(stored) != 1 {
		t.Errorf("%d snapshots, %v", len(stored), err)
	}
}

// Of many snapshots the newest 20 stay, and beyond them those that the manifest names.
func TestClean(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	store, a := newStore(now)
	a.Now = func() time.Time { now = now.Add(time.Minute); return now }
	var m reference.Manifest
	var announced []reference.Manifest
	for i := range 30 {
		var err error
		if m, err = a.Announce(t.Context(), m, content(fmt.Sprint(i)), reference.Source{}); err != nil {
			t.Fatal(err)
		}
		announced = append(announced, m)
	}
	// Somebody rolled back: the current and the previous version are the two oldest.
	back := announced[1]
	back.Revision, back.Previous = m.Revision+1, announced[0].Version
	deleted, err := a.Clean(t.Context(), back)
	if err != nil || deleted != 8 {
		t.Fatalf("%d deleted, %v", deleted, err)
	}
	stored, err := store.List(t.Context(), "stock/snapshots/")
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	for _, object := range stored {
		kept[object.Key] = true
	}
	for i, m := range announced {
		if want := i < 2 || i >= 10; kept[m.Object] != want {
			t.Errorf("snapshot %d is kept: %v", i, kept[m.Object])
		}
	}
	if deleted, err := a.Clean(t.Context(), back); err != nil || deleted != 0 {
		t.Errorf("again: %d deleted, %v", deleted, err)
	}
}
