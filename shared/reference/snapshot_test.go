package reference_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"feedstream/shared/feed"
	"feedstream/shared/reference"
)

var entriesOf = rapid.MapOf(
	rapid.StringMatching(`[0-9A-Za-z._-]{1,32}`),
	rapid.Custom(func(t *rapid.T) feed.Entry {
		entry := feed.Entry{Name: rapid.StringMatching(`[A-Za-z贵州&. ]{1,40}`).Draw(t, "name")}
		if rapid.Bool().Draw(t, "priced") {
			price := feed.Price(rapid.Int64Range(0, 999_999_999_999_999_999).Draw(t, "price"))
			entry.Price = &price
		}
		return entry
	}),
)

func TestSnapshotRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := entriesOf.Draw(t, "entries")
		body := reference.Encode(entries)
		if again := reference.Encode(maps.Clone(entries)); !bytes.Equal(body, again) {
			t.Fatal("one content has two encodings")
		}
		snapshot, err := reference.Decode("v1", body)
		if err != nil {
			t.Fatal(err)
		}
		if snapshot.Version() != "v1" || snapshot.Len() != len(entries) {
			t.Fatalf("version %s, %d entries", snapshot.Version(), snapshot.Len())
		}
		for code, want := range entries {
			got, found := snapshot.Lookup(code)
			if diff := cmp.Diff(want, got); !found || diff != "" {
				t.Fatalf("%s: found %v, %s", code, found, diff)
			}
		}
		if _, found := snapshot.Lookup("no such code"); found {
			t.Fatal("an unknown code is found")
		}
	})
}

func TestSnapshotGolden(t *testing.T) {
	price := feed.Price(782_500)
	body := reference.Encode(map[string]feed.Entry{"2318.HK": {Name: "Ping An Insurance", Price: &price}, "0005.HK": {Name: "HSBC"}})
	want := "feedstream.snapshot.v1\t2\n0005.HK\t\tHSBC\n2318.HK\t78.25\tPing An Insurance\n"
	if string(body) != want {
		t.Errorf("snapshot\n%s\nwant\n%s", body, want)
	}
}

// manifestOf announces a content by hand.
func manifestOf(t *testing.T, entries map[string]feed.Entry) (reference.Manifest, []byte) {
	t.Helper()
	store, announcer := newStore(time.Date(2026, 11, 23, 2, 15, 0, 0, time.UTC))
	m, err := announcer.Announce(t.Context(), reference.Manifest{}, entries, reference.Source{Database: "reference", Collection: "stock", Read: 2})
	if err != nil {
		t.Fatal(err)
	}
	object, err := store.Get(t.Context(), m.Object, "")
	if err != nil {
		t.Fatal(err)
	}
	return m, object.Body
}

// Whatever happens to a snapshot's bytes, the manifest's check notices.
func TestCorruptSnapshotsAreRefused(t *testing.T) {
	m, body := manifestOf(t, map[string]feed.Entry{"2318.HK": {Name: "Ping An"}, "0005.HK": {Name: "HSBC"}})
	if _, err := m.Verify(body); err != nil {
		t.Fatal(err)
	}
	for i := range body {
		if _, err := m.Verify(body[:i]); err == nil {
			t.Errorf("cut off after %d bytes and accepted", i)
		}
		flipped := bytes.Clone(body)
		flipped[i] ^= 1
		if _, err := m.Verify(flipped); err == nil {
			t.Errorf("byte %d is flipped and accepted", i)
		}
	}
	if _, err := m.Verify(append(bytes.Clone(body), '\n')); err == nil {
		t.Error("a longer object is accepted")
	}
	m.Entries++
	if _, err := m.Verify(body); err == nil {
		t.Error("a wrong number of entries is accepted")
	}
}

// The format's own checks hold even when a hash fits: another writer's mistake must not be served.
func TestDecodeIsStrict(t *testing.T) {
	for name, body := range map[string]string{
		"empty":             "",
		"other format":      "feedstream.snapshot.v2\t0\n",
		"no count":          "feedstream.snapshot.v1\n",
		"count too high":    "feedstream.snapshot.v1\t2\na\t\tA\n",
		"count too low":     "feedstream.snapshot.v1\t0\na\t\tA\n",
		"count with a zero": "feedstream.snapshot.v1\t01\na\t\tA\n",
		"negative count":    "feedstream.snapshot.v1\t-1\n",
		"out of order":      "feedstream.snapshot.v1\t2\nb\t\tB\na\t\tA\n",
		"code twice":        "feedstream.snapshot.v1\t2\na\t\tA\na\t\tA\n",
		"two fields":        "feedstream.snapshot.v1\t1\na\tA\n",
		"no line feed":      "feedstream.snapshot.v1\t1\na\t\tA",
		"bad code":          "feedstream.snapshot.v1\t1\na b\t\tA\n",
		"no name":           "feedstream.snapshot.v1\t1\na\t\t\n",
		"negative price":    "feedstream.snapshot.v1\t1\na\t-1\tA\n",
		"trailing zero":     "feedstream.snapshot.v1\t1\na\t1.50\tA\n",
		"not a price":       "feedstream.snapshot.v1\t1\na\tx\tA\n",
	} {
		if _, err := reference.Decode("v", []byte(body)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestManifestMembers(t *testing.T) {
	m, _ := manifestOf(t, map[string]feed.Entry{"2318.HK": {Name: "Ping An"}})
	m.Previous = "20261122T021500Z-00000000"
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"revision":1,"version":"20261123T021500Z-` + m.SHA256[:8] + `","object":"stock/snapshots/` + m.Version + `.snap",` +
		`"format":"feedstream.snapshot.v1","sha256":"` + m.SHA256 + `","bytes":42,"entries":1,` +
		`"builtAt":"2026-11-23T02:15:00Z","checkedAt":"2026-11-23T02:15:00Z","pinned":false,` +
		`"previous":"20261122T021500Z-00000000","source":{"database":"reference","collection":"stock","read":2,"rejected":0}}`
	if string(body) != want {
		t.Errorf("manifest\n%s\nwant\n%s", body, want)
	}
	again, err := reference.ParseManifest(body)
	if diff := cmp.Diff(m, again); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for name, change := range map[string]func(*reference.Manifest){
		"revision 0":       func(m *reference.Manifest) { m.Revision = 0 },
		"bad version":      func(m *reference.Manifest) { m.Version = "latest" },
		"no object":        func(m *reference.Manifest) { m.Object = "" },
		"other format":     func(m *reference.Manifest) { m.Format = "feedstream.snapshot.v2" },
		"short hash":       func(m *reference.Manifest) { m.SHA256 = m.SHA256[:63] },
		"negative entries": func(m *reference.Manifest) { m.Entries = -1 },
		"never checked":    func(m *reference.Manifest) { m.CheckedAt = time.Time{} },
	} {
		broken := m
		change(&broken)
		body, err := json.Marshal(broken)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := reference.ParseManifest(body); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("feedstream.snapshot.v1\t2\n0005.HK\t\tHSBC\n2318.HK\t78.25\tPing An\n"))
	f.Add([]byte("feedstream.snapshot.v1\t0\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		snapshot, err := reference.Decode("v", body)
		if err != nil {
			return
		}
		entries := map[string]feed.Entry{}
		for line := range bytes.Lines(body) {
			code, _, _ := bytes.Cut(line, []byte{'\t'})
			if entry, found := snapshot.Lookup(string(code)); found {
				entries[string(code)] = entry
			}
		}
		if again := reference.Encode(entries); !bytes.Equal(again, body) {
			t.Fatalf("%q is accepted and is not the encoding %q of what it holds", body, again)
		}
	})
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(`{"revision":1,"version":"20261123T021500Z-3f2a91c4","object":"o","format":"feedstream.snapshot.v1"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if m, err := reference.ParseManifest(body); err == nil && (m.Revision < 1 || m.Object == "" || len(m.SHA256) != 64) {
			t.Fatalf("manifest %+v", m)
		}
	})
}
