package reference_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"feedstream/shared/oss/osstest"
	"feedstream/shared/reference"
	"feedstream/shared/testkit"
)

// world is a store with one announced version, a cache that has loaded it, and their clock.
type world struct {
	store     *osstest.Memory
	announcer *reference.Announcer
	cache     *reference.Cache
	now       time.Time
	manifest  reference.Manifest
	log       bytes.Buffer // of the cache
}

func newWorld(t *testing.T, failWhenStale bool) *world {
	t.Helper()
	w := &world{now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return w.now }
	w.store = osstest.NewMemory(clock)
	w.announcer = &reference.Announcer{Objects: w.store, Prefix: "stock/", Now: clock}
	w.cache = reference.NewCache(reference.CacheConfig{
		Objects: w.store, Prefix: "stock/", CheckInterval: 30 * time.Second, MaxAge: time.Hour,
		FailWhenStale: failWhenStale, Now: clock, Logger: slog.New(slog.NewTextHandler(&w.log, nil)),
	})
	w.announce(t, "one")
	w.see(t, "one")
	return w
}

func (w *world) announce(t *testing.T, name string) {
	t.Helper()
	var err error
	if w.manifest, err = w.announcer.Announce(t.Context(), w.manifest, content(name), reference.Source{}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) see(t *testing.T, want string) {
	t.Helper()
	view, err := w.cache.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if entry, _ := view.Snapshot.Lookup("2318.HK"); entry.Name != want {
		t.Errorf("the cache serves %q, want %q", entry.Name, want)
	}
}

func TestStaleBoundary(t *testing.T) {
	for _, test := range []struct {
		age                          time.Duration
		fail                         bool
		wantStale, wantErr, isPinned bool
	}{
		{age: time.Hour, fail: false},
		{age: time.Hour, fail: true},
		{age: time.Hour + time.Millisecond, fail: false, wantStale: true},
		{age: time.Hour + time.Millisecond, fail: true, wantErr: true},
		{age: 1000 * time.Hour, fail: true, isPinned: true}, // a pinned version does not age
	} {
		w := newWorld(t, test.fail)
		if test.isPinned {
			w.pin(t)
		}
		w.now = w.now.Add(test.age)
		view, err := w.cache.Current(t.Context())
		if errors.Is(err, reference.ErrStale) != test.wantErr || view.Stale != test.wantStale {
			t.Errorf("%+v: stale %v, error %v", test, view.Stale, err)
		}
		if test.wantErr && !strings.Contains(err.Error(), w.manifest.Version) {
			t.Errorf("error = %v, want it to name the version", err)
		}
	}
}

func (w *world) pin(t *testing.T) {
	t.Helper()
	object, err := w.store.Get(t.Context(), "stock/manifest.json", "")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(object.Body), `"pinned": false`, `"pinned": true`, 1)
	text = strings.Replace(text, `"revision": 1`, `"revision": 2`, 1)
	if err := w.store.Put(t.Context(), "stock/manifest.json", []byte(text), true); err != nil {
		t.Fatal(err)
	}
}

// Whatever is wrong in the store, the loaded snapshot goes on serving, and the next good one is taken.
func TestBadStoreKeepsTheLoadedSnapshot(t *testing.T) {
	atSnapshots := func(change func([]byte) []byte) func(osstest.Op, string) osstest.Fault {
		return func(op osstest.Op, key string) osstest.Fault {
			if op == osstest.OpGet && strings.HasPrefix(key, "stock/snapshots/") {
				return osstest.Fault{Body: change}
			}
			return osstest.Fault{}
		}
	}
	atManifest := func(change func([]byte) []byte) func(osstest.Op, string) osstest.Fault {
		return func(op osstest.Op, key string) osstest.Fault {
			if op == osstest.OpGet && key == "stock/manifest.json" {
				return osstest.Fault{Body: change}
			}
			return osstest.Fault{}
		}
	}
	for name, fault := range map[string]func(osstest.Op, string) osstest.Fault{
		"everything fails":   func(osstest.Op, string) osstest.Fault { return osstest.Fault{Err: errors.New("forbidden")} },
		"snapshot truncated": atSnapshots(func(b []byte) []byte { return b[:len(b)/2] }),
		"snapshot corrupt":   atSnapshots(func(b []byte) []byte { b[len(b)-2] ^= 1; return b }),
		"snapshot empty":     atSnapshots(func([]byte) []byte { return nil }),
		"manifest truncated": atManifest(func(b []byte) []byte { return b[:len(b)/2] }),
		"manifest empty":     atManifest(func([]byte) []byte { return nil }),
		"snapshot missing": func(_ osstest.Op, key string) osstest.Fault {
			if strings.HasPrefix(key, "stock/snapshots/") {
				return osstest.Fault{Err: reference.ErrNotFound}
			}
			return osstest.Fault{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, false)
			w.now = w.now.Add(time.Minute)
			w.announce(t, "two")
			w.store.Fault(fault)
			w.see(t, "one")
			w.store.Fault(nil)
			w.now = w.now.Add(time.Minute)
			w.see(t, "two")
		})
	}
}

// A store that answers with an older manifest, as a lagging replica does, does not turn readers back.
func TestRevisionsOnlyGoUp(t *testing.T) {
	w := newWorld(t, false)
	old, err := w.store.Get(t.Context(), "stock/manifest.json", "")
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Minute)
	w.announce(t, "two")
	w.see(t, "two")
	if err := w.store.Put(t.Context(), "stock/manifest.json", old.Body, true); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Minute)
	w.see(t, "two")
}

// The manifest is asked for once by all the pushes of an interval, and an unchanged one sends no body.
func TestConcurrentPushesCheckOnce(t *testing.T) {
	w := newWorld(t, false)
	before := w.store.Calls(osstest.OpGet)
	w.now = w.now.Add(time.Minute)
	var pushes sync.WaitGroup
	for range 50 {
		pushes.Go(func() { w.see(t, "one") })
	}
	pushes.Wait()
	if calls := w.store.Calls(osstest.OpGet) - before; calls != 1 {
		t.Errorf("%d reads, want 1", calls)
	}
}

// Readers during swaps see one consistent version each, and versions only go forward.
func TestSwapsDoNotDisturbReaders(t *testing.T) {
	w := newWorld(t, false)
	cache := reference.NewCache(reference.CacheConfig{ // looks at every call
		Objects: w.store, Prefix: "stock/", MaxAge: time.Hour, Now: time.Now, Logger: testkit.Quiet(),
	})
	w.announcer.Now = time.Now
	w.announce(t, "two")
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			var last int64
			for {
				view, err := cache.Current(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				if view.Snapshot.Version() != view.Manifest.Version || view.Manifest.Revision < last {
					t.Errorf("snapshot %s under manifest %+v after revision %d", view.Snapshot.Version(), view.Manifest, last)
				}
				last = view.Manifest.Revision
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range 50 {
		w.announce(t, strings.Repeat("x", i+1))
	}
	close(done)
	readers.Wait()
	if view, err := cache.Current(t.Context()); err != nil || view.Manifest.Revision != w.manifest.Revision {
		t.Errorf("revision %d, %v; want %d", view.Manifest.Revision, err, w.manifest.Revision)
	}
}

// A store that hangs holds a push up for two seconds, not for ever.
func TestTheCheckHasItsOwnLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := osstest.NewMemory(time.Now)
		announcer := &reference.Announcer{Objects: store, Prefix: "stock/", Now: time.Now}
		if _, err := announcer.Announce(t.Context(), reference.Manifest{}, content("one"), reference.Source{}); err != nil {
			t.Fatal(err)
		}
		cache := reference.NewCache(reference.CacheConfig{Objects: store, Prefix: "stock/", CheckInterval: time.Second,
			MaxAge: time.Hour, Now: time.Now, Logger: testkit.Quiet()})
		if _, err := cache.Current(t.Context()); err != nil {
			t.Fatal(err)
		}
		store.Fault(func(osstest.Op, string) osstest.Fault { return osstest.Fault{Wait: make(chan struct{})} })
		time.Sleep(time.Minute)
		began := time.Now()
		if _, err := cache.Current(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("the push waited %s", took)
		}
	})
}
