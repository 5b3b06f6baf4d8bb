package reference_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"feedstream/shared/feed"
	"feedstream/shared/oss/osstest"
	"feedstream/shared/reference"
	"feedstream/shared/testkit"
)

// history is a store in which versions "1" to "n" were announced, a minute apart.
type history struct {
	now       time.Time
	store     *osstest.Memory
	announcer *reference.Announcer
	announced []reference.Manifest
}

func newHistory(t testing.TB, n int) *history {
	t.Helper()
	h := &history{now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	h.store, h.announcer = newStore(h.now)
	h.announcer.Now = func() time.Time { return h.now }
	var m reference.Manifest
	for i := range n {
		h.now = h.now.Add(time.Minute)
		var err error
		m, err = h.announcer.Announce(t.Context(), m, content(fmt.Sprint(i+1)), reference.Source{Database: "d", Read: 1})
		if err != nil {
			t.Fatal(err)
		}
		h.announced = append(h.announced, m)
	}
	return h
}

func (h *history) last() reference.Manifest { return h.announced[len(h.announced)-1] }

func TestPin(t *testing.T) {
	h := newHistory(t, 3)
	h.now = h.now.Add(time.Hour)
	pinned, err := h.announcer.Pin(t.Context(), h.last(), h.announced[0].Version)
	must(t, err)
	want := h.announced[0]
	want.Revision, want.Pinned, want.CheckedAt, want.Previous = 4, true, h.now, h.announced[2].Version
	want.Source = reference.Source{Database: "d"}
	if diff := cmp.Diff(want, pinned); diff != "" {
		t.Error(diff)
	}
	if m := intact(t, h.store, h.announcer); m != pinned {
		t.Errorf("announced: %+v", m)
	}
	again, err := h.announcer.Pin(t.Context(), pinned, pinned.Version)
	pinned.Revision++
	if err != nil || again != pinned {
		t.Errorf("pinned again: %+v, %v", again, err)
	}
	if age := pinned.Age(h.now.Add(1000 * time.Hour)); age != 0 {
		t.Errorf("a pinned version is %s old", age)
	}
	// The next announcement follows the source again.
	next, err := h.announcer.Announce(t.Context(), again, content("1"), reference.Source{})
	if err != nil || next.Pinned || next.Version != pinned.Version || next.Revision != 6 {
		t.Errorf("unpinned: %+v, %v", next, err)
	}
}

func TestPinTheCurrentVersion(t *testing.T) {
	h := newHistory(t, 2)
	m, err := h.announcer.Pin(t.Context(), h.last(), h.last().Version)
	want := h.last()
	want.Revision, want.Pinned, want.CheckedAt = 3, true, h.now
	if err != nil || m != want {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestRollback(t *testing.T) {
	h := newHistory(t, 3)
	back, err := h.announcer.Rollback(t.Context(), h.last(), "")
	if err != nil || back.Version != h.announced[1].Version || !back.Pinned || back.Previous != h.last().Version {
		t.Fatalf("%+v, %v", back, err)
	}
	forth, err := h.announcer.Rollback(t.Context(), back, "")
	if err != nil || forth.Version != h.last().Version || !forth.Pinned {
		t.Errorf("%+v, %v", forth, err)
	}
	first, err := h.announcer.Rollback(t.Context(), forth, h.announced[0].Version)
	if err != nil || first.Version != h.announced[0].Version || first.Revision != 6 {
		t.Errorf("%+v, %v", first, err)
	}
}

// What cannot be pinned is refused by name, and what is announced stays.
func TestPinRefusals(t *testing.T) {
	absent := "20200101T000000Z-00000000"
	for _, test := range []struct {
		name string
		do   func(*history) error
		says []string
	}{
		{"absent", func(h *history) error { return h.pin(t, absent) }, []string{absent, "there are 2026"}},
		{"no version", func(h *history) error { return h.pin(t, "../manifest.json") },
			[]string{`"../manifest.json"`, "there are 2026"}},
		{"altered", func(h *history) error {
			must(t, h.store.Put(t.Context(), h.announced[0].Object, reference.Encode(content("other")), true))
			return h.pin(t, h.announced[0].Version)
		}, []string{"damaged", "sha256"}},
		{"cut", func(h *history) error {
			must(t, h.store.Put(t.Context(), h.announced[0].Object, nil, true))
			return h.pin(t, h.announced[0].Version)
		}, []string{"damaged"}},
		{"rollback to the current", func(h *history) error { return h.rollback(t, h.last().Version) }, []string{"current"}},
		{"rollback to an object that is gone", func(h *history) error {
			must(t, h.store.Delete(t.Context(), h.announced[1].Object))
			return h.rollback(t, "")
		}, []string{"20261124T120200Z", "there are 2026"}},
		{"moved meanwhile", func(h *history) error {
			stale := h.last()
			_, err := h.announcer.Announce(t.Context(), stale, content("new"), reference.Source{})
			must(t, err)
			_, err = h.announcer.Pin(t.Context(), stale, h.announced[0].Version)
			h.announced = append(h.announced, intact(t, h.store, h.announcer))
			return err
		}, []string{reference.ErrMoved.Error()}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHistory(t, 3)
			testkit.WantError(t, test.do(h), test.says...)
			if m, _, err := h.announcer.Current(t.Context()); err != nil || m != h.last() {
				t.Errorf("announced: %+v, %v", m, err)
			}
		})
	}
	h := newHistory(t, 1)
	_, err := h.announcer.Rollback(t.Context(), h.last(), "")
	if !errors.Is(err, reference.ErrNoPrevious) {
		t.Errorf("rollback of the first version: %v", err)
	}
	testkit.WantError(t, err, h.last().Version)
	if strings.Contains(fmt.Sprint(err), `""`) {
		t.Errorf("it names a version that nobody asked for: %v", err)
	}
}

func (h *history) pin(t *testing.T, version string) error {
	_, err := h.announcer.Pin(t.Context(), h.last(), version)
	return err
}

func (h *history) rollback(t *testing.T, version string) error {
	_, err := h.announcer.Rollback(t.Context(), h.last(), version)
	return err
}

// A pin can be made without any source, over a manifest that cannot be read.
func TestPinOverADamagedManifest(t *testing.T) {
	h := newHistory(t, 2)
	must(t, h.store.Put(t.Context(), manifestKey, []byte("{"), true))
	m, err := h.announcer.Pin(t.Context(), reference.Manifest{}, h.announced[0].Version)
	if err != nil || m != intact(t, h.store, h.announcer) || m.Revision != 1 || !m.Pinned {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestHistory(t *testing.T) {
	h := newHistory(t, 4)
	must(t, h.store.Put(t.Context(), "stock/snapshots/notes.txt", []byte("by hand"), true))
	must(t, h.store.Put(t.Context(), "stock/snapshots/old/"+h.last().Version+".snap", nil, true))
	_, err := h.announcer.Pin(t.Context(), h.last(), h.announced[1].Version)
	must(t, err)
	must(t, h.store.Delete(t.Context(), h.announced[3].Object))
	states := func() (got []string) {
		versions, err := h.announcer.History(t.Context())
		if err != nil && !errors.Is(err, reference.ErrDamaged) {
			t.Fatal(err)
		}
		for _, v := range versions {
			got = append(got, fmt.Sprintf("%s %s %v", v.Version[9:15], v.State, v.Missing))
		}
		return got
	}
	want := []string{"120400 previous true", "120300  false", "120200 pinned false", "120100  false"}
	if diff := cmp.Diff(want, states()); diff != "" {
		t.Error(diff)
	}
	must(t, h.store.Put(t.Context(), manifestKey, nil, true))
	if got := states(); len(got) != 3 {
		t.Errorf("beside a damaged manifest: %q", got)
	}
}

// What lies beside the snapshots is neither counted nor deleted, and a rolled-back version outlives any
// number of newer ones.
func TestCleanKeepsWhatIsNamed(t *testing.T) {
	h := newHistory(t, 25)
	must(t, h.store.Put(t.Context(), "stock/snapshots/0-notes.txt", []byte("by hand"), true))
	pinned, err := h.announcer.Pin(t.Context(), h.last(), h.announced[0].Version)
	must(t, err)
	deleted, err := h.announcer.Clean(t.Context(), pinned)
	if err != nil || deleted != 4 {
		t.Errorf("%d deleted, %v", deleted, err)
	}
	for _, key := range []string{pinned.Object, h.last().Object, "stock/snapshots/0-notes.txt"} {
		if _, err := h.store.Get(t.Context(), key, ""); err != nil {
			t.Error(err)
		}
	}
}

func anyEntries(t *rapid.T, label string) map[string]feed.Entry {
	price := rapid.Custom(func(t *rapid.T) *feed.Price {
		if rapid.Bool().Draw(t, "no price") {
			return nil
		}
		p := feed.Price(rapid.Int64Range(0, 30_000).Draw(t, "price"))
		return &p
	})
	entry := rapid.Custom(func(t *rapid.T) feed.Entry {
		name := rapid.SampledFrom([]string{"x", "y", "贵州"}).Draw(t, "name")
		return feed.Entry{Name: name, Price: price.Draw(t, "price")}
	})
	return rapid.MapOfN(rapid.SampledFrom([]string{"1.HK", "2.HK", "3.HK", "4.HK", "5.HK"}), entry, 0, 5).Draw(t, label)
}

// The differences, applied to what was before, give what is after, and name nothing that is alike.
func TestDiffIsWhatChanged(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		before, after := anyEntries(rt, "before"), anyEntries(rt, "after")
		differences := reference.Diff(decoded(t, before), decoded(t, after))
		built := maps.Clone(before)
		for _, d := range differences {
			old, had := before[d.Code]
			if had != (d.Before != nil) || had && d.Before.Name != old.Name {
				rt.Fatalf("%+v of %+v", d, old)
			}
			switch d.Change {
			case reference.Removed:
				delete(built, d.Code)
			case reference.Added, reference.Changed:
				built[d.Code] = after[d.Code]
			}
			if d.Before != nil && d.After != nil && *d.Before == *d.After {
				rt.Fatalf("%+v is no change", d)
			}
		}
		if string(reference.Encode(built)) != string(reference.Encode(after)) {
			rt.Fatalf("%+v lead to %v, want %v", differences, built, after)
		}
		if !slices.IsSortedFunc(differences, func(x, y reference.Difference) int { return strings.Compare(x.Code, y.Code) }) {
			rt.Fatalf("not in order: %+v", differences)
		}
	})
}

func TestDiffOfVersions(t *testing.T) {
	h := newHistory(t, 2)
	got, err := h.announcer.Diff(t.Context(), h.announced[0].Version, h.announced[1].Version)
	want := []reference.Difference{{Code: "2318.HK", Change: "changed",
		Before: &reference.Stock{Name: "1"}, After: &reference.Stock{Name: "2"}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, %s", err, diff)
	}
	for _, pair := range [][2]string{{"x", h.last().Version}, {h.last().Version, "x"}} {
		_, err := h.announcer.Diff(t.Context(), pair[0], pair[1])
		testkit.WantError(t, err, `"x"`, h.last().Version)
	}
}

func TestPriceJumps(t *testing.T) {
	price := func(p feed.Price) map[string]feed.Entry { return map[string]feed.Entry{"1.HK": {Name: "n", Price: &p}} }
	none := map[string]feed.Entry{"1.HK": {Name: "n"}}
	for _, test := range []struct {
		name          string
		limit         float64
		before, after map[string]feed.Entry
		jumps         bool
	}{
		{"off", 0, price(1), price(1_000_000), false},
		{"as far as allowed", 0.2, price(100), price(120), false},
		{"up by more", 0.2, price(100), price(121), true},
		{"down as far as allowed", 0.2, price(100), price(80), false},
		{"down by more", 0.2, price(100), price(79), true},
		{"tenfold, which is allowed", 9, price(100), price(1000), false},
		{"down to nothing", 0.99, price(100), price(0), true},
		{"up from nothing", 100, price(0), price(1), true},
		{"nothing stays", 0.1, price(0), price(0), false},
		{"a price that is new", 0.1, none, price(5), false},
		{"a price that is gone", 0.1, price(5), none, false},
		{"a stock that is new", 0.1, nil, price(5), false},
		{"the largest", 0.1, price(999_999_999_999_999_999), price(0), true},
	} {
		policy, report := reference.Policy{MaxShrink: 1, MaxPriceChange: test.limit}, reference.Report{}
		policy.Compare(&report, decoded(t, test.before), test.after)
		err := policy.Check(report, len(test.before))
		if (report.Jumped == 1) != test.jumps || (err != nil) != test.jumps {
			t.Errorf("%s: %+v, %v", test.name, report, err)
		}
		if test.jumps {
			testkit.WantError(t, err, "REFERENCE_MAX_PRICE_CHANGE", "1.HK",
				test.before["1.HK"].Price.String(), test.after["1.HK"].Price.String())
		}
	}
	var report reference.Report
	(reference.Policy{MaxPriceChange: 0.1}).Compare(&report, nil, price(1)) // nothing was announced before
	if report.Jumped != 0 {
		t.Errorf("%+v", report)
	}
}

func TestReportNamesTwentyJumpsAndCountsAll(t *testing.T) {
	before, after := manyEntries(100), map[string]feed.Entry{}
	for code, entry := range before {
		doubled := *entry.Price*2 + 1
		after[code] = feed.Entry{Name: entry.Name, Price: &doubled}
	}
	var report reference.Report
	reference.Policy{MaxPriceChange: 0.5}.Compare(&report, decoded(t, before), after)
	if report.Jumped != 100 || len(report.Jumps) != 20 {
		t.Errorf("%d jumps, %d named", report.Jumped, len(report.Jumps))
	}
}

func TestCommands(t *testing.T) {
	for text, want := range map[string]reference.Command{
		"":                     {Action: "refresh"},
		"refresh":              {Action: "refresh"},
		`{"action":"refresh"}`: {Action: "refresh"},
		`{"action":"refresh","acceptShrink":true}`:    {Action: "refresh", AcceptShrink: true},
		`{"action":"pin","version":"v"}`:              {Action: "pin", Version: "v"},
		` {"action":"unpin","acceptPrices":true}`:     {Action: "unpin", AcceptPrices: true},
		`{"action":"rollback"}`:                       {Action: "rollback"},
		`{"action":"rollback","version":"20260101T"}`: {Action: "rollback", Version: "20260101T"},
	} {
		if got, err := reference.ParseCommand(text); err != nil || got != want {
			t.Errorf("%s is %+v, %v", text, got, err)
		}
	}
	for text, says := range map[string]string{
		"pin":                                `"pin"`,
		"{":                                  "cut off",
		"{}":                                 `the action "" is unknown`,
		"[]":                                 "array",
		`{"action":"drop"}`:                  `the action "drop" is unknown`,
		`{"action":"pin"}`:                   "pin needs a version",
		`{"action":"unpin","version":"v"}`:   "takes no version",
		`{"action":"refresh","version":"v"}`: "takes no version",
		`{"action":"pin","versoin":"v"}`:     "versoin",
		`{"action":"rollback"} {}`:           "something follows",
		`{"action":"rollback","version":1}`:  "version",
		`{"action":"pin","version":"v","acceptShrink":true}`: "nothing to accept",
	} {
		_, err := reference.ParseCommand(text)
		testkit.WantError(t, err, says)
	}
}
