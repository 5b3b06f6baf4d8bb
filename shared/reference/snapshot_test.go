package reference_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"feedstream/shared/feed"
	"feedstream/shared/phoenix"
	"feedstream/shared/reference"
)

var entriesOf = rapid.MapOf(
	rapid.StringMatching(`[0-9A-Za-z._-]{1,32}`),
	rapid.Custom(func(t *rapid.T) feed.Entry {
		entry := feed.Entry{Name: rapid.StringMatching(`[A-Za-z贵州&. "\\]{1,40}`).Draw(t, "name")}
		if rapid.Bool().Draw(t, "priced") {
			price := feed.Price(rapid.Int64Range(0, 999_999_999_999_999_999).Draw(t, "price"))
			entry.Price = &price
		}
		return entry
	}),
)

// Both formats give back what was encoded, and the same whichever of them is read.
func TestSnapshotRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := entriesOf.Draw(t, "entries")
		body := reference.Encode(entries)
		if again := reference.Encode(maps.Clone(entries)); !bytes.Equal(body, again) {
			t.Fatal("one content has two encodings")
		}
		for _, body := range [][]byte{body, reference.EncodeV1(entries)} {
			snapshot, err := reference.Decode("v", body)
			if err != nil {
				t.Fatal(err)
			}
			if snapshot.Version() != "v" || snapshot.Len() != len(entries) {
				t.Fatalf("version %s, %d entries", snapshot.Version(), snapshot.Len())
			}
			if got := maps.Collect(snapshot.All()); len(got) != len(entries) {
				t.Fatalf("%d entries are yielded instead of %d", len(got), len(entries))
			}
			for code, want := range entries {
				holds(t, snapshot, code, want)
			}
			for _, code := range []string{"", "no such code", strings.Repeat("x", 1000)} {
				if _, found := snapshot.Find(code); found {
					t.Fatalf("the unknown code %q is found", code)
				}
			}
		}
	})
}

// holds fails the test unless the snapshot has an entry in all its forms.
func holds(t *rapid.T, snapshot *reference.Snapshot, code string, want feed.Entry) {
	plain, found := snapshot.Lookup(code)
	if diff := cmp.Diff(want, plain); !found || diff != "" {
		t.Fatalf("%s: found %v, %s", code, found, diff)
	}
	price, decimal := "", ""
	if want.Price != nil {
		price, decimal = want.Price.String(), string(phoenix.AppendPrice(nil, *want.Price))
	}
	got, found := snapshot.Find(code)
	if !found || got.Name != want.Name || got.Price != price || got.Decimal != decimal {
		t.Fatalf("%s: found %v %+v, want %+v %s %x", code, found, got, want, price, decimal)
	}
	var name string
	if err := json.Unmarshal([]byte(`"`+got.JSON+`"`), &name); err != nil || name != want.Name {
		t.Fatalf("%s: the name in JSON is %s: %v", code, got.JSON, err)
	}
}

// checkForms holds the forms that a snapshot has ready against those that are made of the entry.
func checkForms(t *rapid.T, got feed.Forms, want feed.Entry) {
	t.Helper()
	var price, decimal []byte
	if want.Price != nil {
		price, decimal = want.Price.Append(nil), want.Price.AppendDecimal(nil)
	}
	inJSON := string(feed.AppendEscaped(nil, want.Name))
	for _, forms := range []feed.Forms{got, got.At(strings.Clone(got.Text()))} {
		if forms.Name() != want.Name || forms.JSON() != inJSON || forms.Price() != string(price) || forms.Decimal() != string(decimal) {
			t.Fatalf("forms %+v of the entry %+v", forms, want)
		}
	}
}

// Many codes at once are found as each of them alone, with the forms that their entries have.
func TestFindAll(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		entries := map[string]feed.Entry{}
		for i := range rapid.IntRange(0, 300).Draw(r, "entries") {
			entry := feed.Entry{Name: fmt.Sprint([]string{"name ", `\"`, "中国平安"}[i%3], i)}
			if i%4 > 0 {
				price := feed.Price(rapid.Int64Range(0, int64(feed.MaxPrice)).Draw(r, "price"))
				entry.Price = &price
			}
			entries[fmt.Sprint("S", i)] = entry
		}
		snapshot := decoded(t, entries)
		codes := rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 400), func(i int) string { return fmt.Sprint("S", i) }), 0, 200).Draw(r, "codes")
		found := make([]reference.Found, len(codes)+1)
		snapshot.FindAll(codes, found)
		for i, code := range codes {
			want, known := entries[code]
			if got := found[i]; got.Known() != known || known && got.Entry().Name != want.Name {
				r.Fatalf("%s: %+v, want %+v, %v", code, got, want, known)
			}
			if known {
				checkForms(r, found[i].Forms(), want)
			}
		}
	})
}

func TestFindAllocatesNothing(t *testing.T) {
	price := feed.Price(782_500)
	long := strings.Repeat("c", 32)
	snapshot := decoded(t, map[string]feed.Entry{long: {Name: `"quoted"`, Price: &price}})
	for _, code := range []string{long, "0005.HK"} {
		if n := testing.AllocsPerRun(100, func() { found, _ = snapshot.Find(code) }); n != 0 {
			t.Errorf("%v allocations for %s", n, code)
		}
	}
}

// The bytes of a format never change: who reads them may be of another release.
func TestSnapshotGolden(t *testing.T) {
	price := feed.Price(782_500)
	entries := map[string]feed.Entry{
		"2318.HK": {Name: "Ping An Insurance", Price: &price}, "0005.HK": {Name: "HSBC"}, "0700.HK": {Name: `"腾讯"`, Price: new(feed.Price)},
	}
	for name, body := range map[string][]byte{"v1.snap": reference.EncodeV1(entries), "v2.snap": reference.Encode(entries)} {
		want, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(body, want) {
			t.Errorf("%s is now\n%q, was\n%q", name, body, want)
		}
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
		"other format":      "feedstream.snapshot.v3\t0\n",
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

// flat is a snapshot of three entries of equal length, and where its parts lie.
func flat() (body []byte, offsets, entries, length int) {
	price := feed.Price(15_000)
	body = reference.Encode(map[string]feed.Entry{
		"a": {Name: "A\"", Price: &price}, "b": {Name: "B\"", Price: &price}, "c": {Name: "C\"", Price: &price},
	})
	const header, buckets = 32, 4
	entries = header + 4*(buckets+1)
	return body, header, entries, (len(body) - entries) / 3
}

// Each part of the flat format that another writer could get wrong is refused.
func TestDecodeFlatIsStrict(t *testing.T) {
	whole, offsets, entries, length := flat()
	text := entries + 7 // of the first entry: its code, "1.5", c1 02 33, A", A\"
	u32 := binary.LittleEndian.PutUint32
	for name, change := range map[string]func(body []byte) []byte{
		"other magic":              func(b []byte) []byte { b[23]++; return b },
		"only the magic":           func(b []byte) []byte { return b[:24] },
		"one entry more":           func(b []byte) []byte { u32(b[24:], 4); return b },
		"no entry":                 func(b []byte) []byte { u32(b[24:], 0); return b },
		"entries beyond all":       func(b []byte) []byte { u32(b[24:], 1<<32-1); return b },
		"buckets beyond all":       func(b []byte) []byte { u32(b[28:], 1<<31); return b },
		"no buckets":               func(b []byte) []byte { u32(b[28:], 0); return b },
		"buckets of another count": func(b []byte) []byte { u32(b[28:], 8); return b },
		"offsets of zero":          func(b []byte) []byte { clear(b[offsets:entries]); return b },
		"an entry left out":        func(b []byte) []byte { return b[:len(b)-length] },
		"an entry too many":        func(b []byte) []byte { return append(b, b[entries:entries+length]...) },
		"a byte too many":          func(b []byte) []byte { return append(b, 0) },
		"a byte too few":           func(b []byte) []byte { return b[:len(b)-1] },
		"code twice":               func(b []byte) []byte { copy(b[entries+length:], b[entries:entries+length]); return b },
		"another bucket's code":    func(b []byte) []byte { b[text] = b[text+length]; return b },
		"code of no bytes":         func(b []byte) []byte { b[entries]--; return b },
		"overlapping entries":      func(b []byte) []byte { b[entries+5] += byte(length); return b },
		"a name beyond the end":    func(b []byte) []byte { b[entries+4] = 0xff; return b },
		"another price":            func(b []byte) []byte { b[text+3] = '6'; return b },
		"a negative price":         func(b []byte) []byte { b[text+1] = '-'; return b },
		"no price":                 func(b []byte) []byte { b[text+1] = 'x'; return b },
		"another DECIMAL":          func(b []byte) []byte { b[text+5]++; return b },
		"another name":             func(b []byte) []byte { b[text+7] = 'Z'; return b },
		"a control character":      func(b []byte) []byte { b[text+7] = '\n'; return b },
		"another name in JSON":     func(b []byte) []byte { b[text+9] = 'Z'; return b },
	} {
		if _, err := reference.Decode("v", change(bytes.Clone(whole))); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	for at := range whole[:entries] {
		body := bytes.Clone(whole)
		body[at] ^= 0x10
		if _, err := reference.Decode("v", body); err == nil {
			t.Errorf("byte %d is altered and accepted", at)
		}
	}
}

// Inside a bucket each code stands once, in order.
func TestDecodeRefusesABucketOutOfOrder(t *testing.T) {
	entries := map[string]feed.Entry{}
	for i := range 64 {
		entries[fmt.Sprintf("S%02d", i)] = feed.Entry{Name: "n"}
	}
	whole := reference.Encode(entries)
	offset := func(bucket int) int { return int(binary.LittleEndian.Uint32(whole[32+4*bucket:])) }
	const length = 7 + 3 + 1
	swapped := 0
	for bucket := range 64 {
		at := offset(bucket)
		if offset(bucket+1)-at < 2*length {
			continue
		}
		swapped++
		first, second := whole[at:at+length], whole[at+length:at+2*length]
		for name, pair := range map[string][][]byte{"out of order": {second, first}, "twice": {first, first}} {
			body := slices.Concat(whole[:at], pair[0], pair[1], whole[at+2*length:])
			if _, err := reference.Decode("v", body); err == nil {
				t.Errorf("bucket %d with a code %s is accepted", bucket, name)
			}
		}
	}
	if swapped == 0 {
		t.Error("no bucket of two entries was found")
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
		`"format":"feedstream.snapshot.v2","sha256":"` + m.SHA256 + `","bytes":61,"entries":1,` +
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
		"other format":     func(m *reference.Manifest) { m.Format = "feedstream.snapshot.v3" },
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

// Whatever is accepted is the encoding, in its own format, of what it holds.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("feedstream.snapshot.v1\t2\n0005.HK\t\tHSBC\n2318.HK\t78.25\tPing An\n"))
	f.Add([]byte("feedstream.snapshot.v1\t0\n"))
	f.Add(reference.Encode(nil))
	f.Add(reference.Encode(manyEntries(20)))
	body, _, _, _ := flat()
	f.Add(body)
	f.Fuzz(func(t *testing.T, body []byte) {
		encode := reference.Encode
		if bytes.HasPrefix(body, []byte(reference.FormatV1)) {
			encode = reference.EncodeV1
		}
		snapshot, err := reference.Decode("v", bytes.Clone(body))
		if err != nil {
			return
		}
		entries := map[string]feed.Entry{}
		for code := range snapshot.All() {
			entry, found := snapshot.Lookup(code)
			if !found {
				t.Fatalf("%s is there and not found", code)
			}
			entries[code] = entry
		}
		if again := encode(entries); snapshot.Len() != len(entries) || !bytes.Equal(again, body) {
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
