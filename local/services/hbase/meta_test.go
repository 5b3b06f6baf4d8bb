package hbase

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"feedstream/local/services/hbase/internal/scanner"
)

// A row of hbase:meta reads alike by a Get and by a scan, and what no scan finds no Get finds.
func TestARowOfMetaIsThatOfAScan(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	rows, found := s.metaWalk(scanner.Span{}), 0
	for rows.Advance() {
		found++
		scanned, err := rows.Cells()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(scanned, s.metaRow(rows.Key())); diff != "" || len(scanned) == 0 {
			t.Errorf("row %q: %s", rows.Key(), diff)
		}
		for _, absent := range [][]byte{append(rows.Key(), '!'), rows.Key()[1:], append(rows.Key(), ",,1"...)} {
			if cells := s.metaRow(absent); cells != nil {
				t.Errorf("row %q, which is not there, has %v", absent, cells)
			}
		}
	}
	if tables := s.store.All(); found <= len(tables) {
		t.Errorf("%d rows of %d tables", found, len(tables))
	}
}

// BenchmarkGetOfMeta reads one row of hbase:meta, as each get of a Multi does.
func BenchmarkGetOfMeta(b *testing.B) {
	s := start(b, Options{})
	region := s.store.All()[stock].Regions[0]
	for name, key := range map[string][]byte{"region": []byte(region.Name), "table": []byte(stock), "absent": []byte("r")} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.metaRow(key)
			}
		})
	}
}
