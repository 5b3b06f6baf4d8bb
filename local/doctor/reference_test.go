package doctor

import (
	"errors"
	"strings"
	"testing"
	"time"

	"feedstream/shared/feed"
	"feedstream/shared/oss/osstest"
	"feedstream/shared/reference"
)

// What is wrong with the reference is named as what it is, with the remedy that mends it.
func TestSnapshotFindings(t *testing.T) {
	const manifestKey = "stock/manifest.json"
	for name, test := range map[string]struct {
		pinned bool
		change func(t *testing.T, store *osstest.Memory, m reference.Manifest) error
		later  time.Duration
		ok     bool
		detail string
		remedy string
	}{
		"well": {ok: true, detail: "1 entries, confirmed 0s ago"},
		"old": {later: 25 * time.Hour, detail: "is stale: it was last confirmed 25h0m0s ago",
			remedy: "feed-refresh does not run"},
		"pinned": {pinned: true, later: 1000 * time.Hour, ok: true, detail: "pinned since 2026-11-24T12:00:00Z"},
		"object gone": {change: func(t *testing.T, store *osstest.Memory, m reference.Manifest) error {
			return store.Delete(t.Context(), m.Object)
		}, detail: "damaged", remedy: "`feedstream refresh`, or invoke feed-refresh: it writes the object again"},
		"object altered": {change: func(t *testing.T, store *osstest.Memory, m reference.Manifest) error {
			return store.Put(t.Context(), m.Object, make([]byte, m.Bytes), true)
		}, detail: "sha256", remedy: "it writes the object again"},
		"pinned object gone": {pinned: true, change: func(t *testing.T, store *osstest.Memory, m reference.Manifest) error {
			return store.Delete(t.Context(), m.Object)
		}, detail: "damaged", remedy: "`feedstream reference pin VERSION`"},
		"manifest cut": {change: func(t *testing.T, store *osstest.Memory, _ reference.Manifest) error {
			return store.Put(t.Context(), manifestKey, []byte("{"), true)
		}, detail: "stock/manifest.json: read the manifest: damaged", remedy: "it writes a new manifest"},
		"nothing announced": {change: func(t *testing.T, store *osstest.Memory, _ reference.Manifest) error {
			return store.Delete(t.Context(), manifestKey)
		}, detail: "no snapshot was ever announced at oss.internal", remedy: "`feedstream refresh`"},
		"OSS is away":           {change: failing(manifestKey), detail: "read the manifest: down", remedy: "OSS_ENDPOINT"},
		"object not to be read": {change: failing("stock/snapshots/"), detail: "down", remedy: "access key"},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
			clock := func() time.Time { return now }
			store := osstest.NewMemory(clock)
			a := &reference.Announcer{Objects: store, Prefix: "stock/", Now: clock}
			entries := map[string]feed.Entry{"1.HK": {Name: "n"}}
			m, err := a.Announce(t.Context(), reference.Manifest{}, entries, reference.Source{})
			if err == nil && test.pinned {
				m, err = a.Pin(t.Context(), m, m.Version)
			}
			if err == nil && test.change != nil {
				err = test.change(t, store, m)
			}
			if err != nil {
				t.Fatal(err)
			}
			now = now.Add(test.later)
			f := Snapshot(t.Context(), "oss.internal", store, "stock/", clock)
			if f.OK != test.ok || !strings.Contains(f.Detail, test.detail) || !strings.Contains(f.Remedy, test.remedy) {
				t.Errorf("finding = %+v", f)
			}
		})
	}
}

// failing has every read below a key fail.
func failing(prefix string) func(*testing.T, *osstest.Memory, reference.Manifest) error {
	return func(_ *testing.T, store *osstest.Memory, _ reference.Manifest) error {
		store.Fault(func(op osstest.Op, key string) osstest.Fault {
			if op == osstest.OpGet && strings.HasPrefix(key, prefix) {
				return osstest.Fault{Err: errors.New("down")}
			}
			return osstest.Fault{}
		})
		return nil
	}
}
