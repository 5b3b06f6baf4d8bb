package store

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// anyCell draws from few families, columns and times, so that cells meet.
func anyCell(t *rapid.T) Cell {
	c := Cell{
		Family:    []byte(rapid.SampledFrom([]string{"f", "g"}).Draw(t, "family")),
		Qualifier: []byte(rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "qualifier")),
		Timestamp: rapid.Int64Range(0, 5).Draw(t, "timestamp"),
		Kind: rapid.SampledFrom([]byte{KindPut, KindPut, KindPut, KindDelete, KindDeleteColumn, KindDeleteFamily,
			KindDeleteFamilyVersion}).Draw(t, "kind"),
	}
	switch c.Kind {
	case KindPut:
		c.Value = rapid.SliceOfN(rapid.Byte(), 1, 2).Draw(t, "value")
	case KindDeleteFamily, KindDeleteFamilyVersion:
		c.Qualifier = []byte{}
	}
	return c
}

// visible is what HBase's rules say of a history, told as plainly as possible.
func visible(history []Cell) []Cell {
	type version struct {
		family, qualifier string
		timestamp         int64
	}
	last := map[version]Cell{}
	for _, c := range history {
		if c.Kind == KindPut {
			last[version{string(c.Family), string(c.Qualifier), c.Timestamp}] = c
		}
	}
	var out []Cell
	for _, put := range last {
		hidden := slices.ContainsFunc(history, func(d Cell) bool {
			if string(d.Family) != string(put.Family) {
				return false
			}
			sameColumn := string(d.Qualifier) == string(put.Qualifier)
			switch d.Kind {
			case KindDeleteFamily:
				return put.Timestamp <= d.Timestamp
			case KindDeleteFamilyVersion:
				return put.Timestamp == d.Timestamp
			case KindDeleteColumn:
				return sameColumn && put.Timestamp <= d.Timestamp
			case KindDelete:
				return sameColumn && put.Timestamp == d.Timestamp
			}
			return false
		})
		if !hidden {
			out = append(out, put)
		}
	}
	slices.SortFunc(out, func(a, b Cell) int { return compareCells(&a, &b) })
	return out
}

func TestCanonicalRowShowsWhatHBaseShows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		history := rapid.SliceOf(rapid.Custom(anyCell)).Draw(t, "history")
		got := slices.DeleteFunc(canonical(slices.Clone(history), 100), func(c Cell) bool { return c.Kind != KindPut })
		if diff := gocmp.Diff(visible(history), got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestRowMayBeMergedInAnyParts is what Pebble asks of a merge operator.
func TestRowMayBeMergedInAnyParts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		history := rapid.SliceOf(rapid.Custom(anyCell)).Draw(t, "history")
		cut := rapid.IntRange(0, len(history)).Draw(t, "cut")
		whole := canonical(slices.Clone(history), 100)
		parts := append(canonical(slices.Clone(history[:cut]), 100), canonical(slices.Clone(history[cut:]), 100)...)
		if diff := gocmp.Diff(whole, canonical(parts, 100), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestOnlyTheNewestVersionsAreKept(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOf(rapid.Int64Range(0, 20)).Draw(t, "times")
		var history []Cell
		for _, at := range times {
			history = append(history, Cell{Family: []byte("f"), Timestamp: at, Kind: KindPut})
		}
		var got []int64
		for _, c := range canonical(history, 3) {
			got = append(got, c.Timestamp)
		}
		slices.SortFunc(times, func(a, b int64) int { return cmp.Compare(b, a) })
		want := slices.Compact(times)
		if diff := gocmp.Diff(want[:min(3, len(want))], got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}
