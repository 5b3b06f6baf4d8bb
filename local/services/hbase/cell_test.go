package hbase

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// anyCell draws from few families, columns and times, so that cells meet.
func anyCell(t *rapid.T) cell {
	c := cell{
		family:    []byte(rapid.SampledFrom([]string{"f", "g"}).Draw(t, "family")),
		qualifier: []byte(rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "qualifier")),
		timestamp: rapid.Int64Range(0, 5).Draw(t, "timestamp"),
		kind: rapid.SampledFrom([]byte{typePut, typePut, typePut, typeDelete, typeDeleteColumn, typeDeleteFamily,
			typeDeleteFamilyVersion}).Draw(t, "kind"),
	}
	switch c.kind {
	case typePut:
		c.value = rapid.SliceOfN(rapid.Byte(), 1, 2).Draw(t, "value")
	case typeDeleteFamily, typeDeleteFamilyVersion:
		c.qualifier = []byte{}
	}
	return c
}

// visible is what HBase's rules say of a history, told as plainly as possible.
func visible(history []cell) []cell {
	type version struct {
		family, qualifier string
		timestamp         int64
	}
	last := map[version]cell{}
	for _, c := range history {
		if c.kind == typePut {
			last[version{string(c.family), string(c.qualifier), c.timestamp}] = c
		}
	}
	var out []cell
	for _, put := range last {
		hidden := slices.ContainsFunc(history, func(d cell) bool {
			if string(d.family) != string(put.family) {
				return false
			}
			sameColumn := string(d.qualifier) == string(put.qualifier)
			switch d.kind {
			case typeDeleteFamily:
				return put.timestamp <= d.timestamp
			case typeDeleteFamilyVersion:
				return put.timestamp == d.timestamp
			case typeDeleteColumn:
				return sameColumn && put.timestamp <= d.timestamp
			case typeDelete:
				return sameColumn && put.timestamp == d.timestamp
			}
			return false
		})
		if !hidden {
			out = append(out, put)
		}
	}
	slices.SortFunc(out, func(a, b cell) int { return compareCells(&a, &b) })
	return out
}

func TestCanonicalRowShowsWhatHBaseShows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		history := rapid.SliceOf(rapid.Custom(anyCell)).Draw(t, "history")
		got := slices.DeleteFunc(canonical(slices.Clone(history), 100), func(c cell) bool { return c.kind != typePut })
		if diff := gocmp.Diff(visible(history), got, gocmp.AllowUnexported(cell{}), cmpopts.EquateEmpty()); diff != "" {
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
		if diff := gocmp.Diff(whole, canonical(parts, 100), gocmp.AllowUnexported(cell{}), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestOnlyTheNewestVersionsAreKept(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOf(rapid.Int64Range(0, 20)).Draw(t, "times")
		var history []cell
		for _, at := range times {
			history = append(history, cell{family: []byte("f"), timestamp: at, kind: typePut})
		}
		var got []int64
		for _, c := range canonical(history, 3) {
			got = append(got, c.timestamp)
		}
		slices.SortFunc(times, func(a, b int64) int { return cmp.Compare(b, a) })
		want := slices.Compact(times)
		if diff := gocmp.Diff(want[:min(3, len(want))], got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}
