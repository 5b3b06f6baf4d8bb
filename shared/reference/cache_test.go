package reference_test

import (
	"errors"
	"testing"
	"time"

	"feedstream/shared/feed"
	"feedstream/shared/oss/osstest"
	"feedstream/shared/reference"
	"feedstream/shared/testkit"
)

func TestCacheFollowsAnnouncements(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	store := osstest.NewMemory(clock)
	announcer := &reference.Announcer{Objects: store, Prefix: "stock/", Now: clock}
	cache := reference.NewCache(reference.CacheConfig{
		Objects: store, Prefix: "stock/", CheckInterval: 30 * time.Second, MaxAge: time.Hour, Now: clock,
		Logger: testkit.Quiet(),
	})
	if _, err := cache.Current(t.Context()); !errors.Is(err, reference.ErrNoSnapshot) {
		t.Fatalf("before any announcement: %v", err)
	}
	announce := func(current reference.Manifest, name string) reference.Manifest {
		t.Helper()
		m, err := announcer.Announce(t.Context(), current, map[string]feed.Entry{"2318.HK": {Name: name}}, reference.Source{})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	look := func(wantName string, wantAge time.Duration, wantStale bool) {
		t.Helper()
		view, err := cache.Current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		entry, _ := view.Snapshot.Lookup("2318.HK")
		if entry.Name != wantName || view.Age != wantAge || view.Stale != wantStale {
			t.Errorf("entry %q, age %s, stale %v; want %q, %s, %v", entry.Name, view.Age, view.Stale, wantName, wantAge, wantStale)
		}
	}
	now = now.Add(time.Second)
	first := announce(reference.Manifest{}, "Ping An")
	look("Ping An", 0, false)

	now = now.Add(10 * time.Second)
	second := announce(first, "Ping An Insurance")
	look("Ping An", 10*time.Second, false) // within the interval nobody looks
	now = now.Add(30 * time.Second)
	look("Ping An Insurance", 30*time.Second, false)

	third := announce(second, "Ping An Insurance")
	if third.Version != second.Version || third.Revision != second.Revision+1 || !third.CheckedAt.Equal(now) {
		t.Errorf("unchanged content: %+v after %+v", third, second)
	}
	if _, err := announcer.Announce(t.Context(), second, nil, reference.Source{}); !errors.Is(err, reference.ErrMoved) {
		t.Errorf("announcing over somebody else's revision: %v", err)
	}

	down := errors.New("down")
	store.Fault(func(osstest.Op, string) osstest.Fault { return osstest.Fault{Err: down} })
	now = now.Add(2 * time.Hour)
	look("Ping An Insurance", 2*time.Hour+30*time.Second, true) // it kept what it had
}
