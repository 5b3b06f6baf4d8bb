package store

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Whatever lies in which block, a walk since some time passes over nothing of that time.
func TestWalkSince(t *testing.T) {
	t.Parallel()
	s, err := Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	numbered := 0
	rapid.Check(t, func(t *rapid.T) {
		numbered++
		name := fmt.Sprintf("t%d", numbered)
		if err := s.Create(Schema{Name: name, Families: []Family{{Name: "f"}, {Name: "g"}}}, 1); err != nil {
			t.Fatal(err)
		}
		table := s.All()[name]
		for range rapid.IntRange(1, 4).Draw(t, "flushes") {
			history := rapid.SliceOfN(rapid.Custom(anyCell), 1, 20).Draw(t, "history")
			batch := s.NewBatch(0)
			for i := range history {
				row := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "row")
				if err := batch.Write(table, []byte(row), history[i:i+1]); err != nil {
					t.Fatal(err)
				}
			}
			if err := batch.Commit(); err != nil {
				t.Fatal(err)
			}
			if err := s.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		for since := int64(0); since < 7; since++ {
			want, got := walk(t, s, table, 0, since), walk(t, s, table, since, since)
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Fatalf("since %d: %s", since, diff)
			}
		}
	})
}

// walk returns the values at or after a time of the rows that a walk since another does not pass over.
func walk(t *rapid.T, s *Store, table *Table, passOver, since int64) map[string][]Cell {
	rows, err := s.Walk(table, nil, nil, false, passOver)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[string][]Cell{}
	for rows.Advance() {
		cells, err := rows.Cells()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cells {
			if c.Kind == KindPut && c.Timestamp >= since {
				c.Family, c.Qualifier, c.Value = slices.Clone(c.Family), slices.Clone(c.Qualifier), slices.Clone(c.Value)
				found[string(rows.Key())] = append(found[string(rows.Key())], c)
			}
		}
	}
	return found
}

// What is older does not cost a walk: its blocks are passed over.
func TestWalkSincePassesOverBlocks(t *testing.T) {
	t.Parallel()
	s, err := Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Create(Schema{Name: "t", Families: []Family{{Name: "f"}}}, 1); err != nil {
		t.Fatal(err)
	}
	const rows = 20_000
	table, batch := s.All()["t"], s.NewBatch(0)
	for i := range rows {
		c := Cell{Family: []byte("f"), Timestamp: int64(i * 7919 % rows), Kind: KindPut, Value: []byte("value")}
		if err := batch.Write(table, fmt.Appendf(nil, "row %06d", i), []Cell{c}); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	seen := func(since int64) (n int) {
		walk, err := s.Walk(table, nil, nil, false, since)
		if err != nil {
			t.Fatal(err)
		}
		defer walk.Close()
		for walk.Advance() {
			n++
		}
		return n
	}
	if all, newest := seen(0), seen(rows-20); all != rows || newest < 20 || newest > rows/4 {
		t.Errorf("a walk sees %d rows, and %d when it wants the newest 20", all, newest)
	}
}
