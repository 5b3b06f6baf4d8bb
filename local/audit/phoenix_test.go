package audit

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"feedstream/shared/phoenix"
)

// store is an HBase that holds rows by table.
type store struct {
	tables map[string][]phoenix.Stored
	fails  error // after the last row
}

func (s *store) Scan(_ context.Context, table string, _ phoenix.Range) iter.Seq2[phoenix.Stored, error] {
	return func(yield func(phoenix.Stored, error) bool) {
		for _, row := range s.tables[table] {
			if !yield(row, nil) {
				return
			}
		}
		if s.fails != nil {
			yield(phoenix.Stored{}, s.fails)
		}
	}
}

func TestPhoenixTable(t *testing.T) {
	layout := &phoenix.Layout{Table: "T", Index: "I", SaltBuckets: 16, IndexSaltBuckets: 16, Uncovered: true}
	s := &store{tables: map[string][]phoenix.Stored{}}
	w := balancedWorld()
	for _, row := range w.rows {
		written := layout.Row(&row.Record)
		s.tables["T"] = append(s.tables["T"], phoenix.Stored(written.Data))
		s.tables["I"] = append(s.tables["I"], phoenix.Stored(written.Index))
	}
	var rows []Row
	for row, err := range (Phoenix{s, layout}).Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if diff := cmp.Diff(w.rows, rows); diff != "" {
		t.Error(diff)
	}
	var index []IndexRow
	for row, err := range (Phoenix{s, layout}).IndexRows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		index = append(index, row)
	}
	if diff := cmp.Diff(w.index, index); diff != "" {
		t.Error(diff)
	}
}

func TestPhoenixTableNamesWhatItCannotRead(t *testing.T) {
	layout := &phoenix.Layout{Table: "T", Index: "I", SaltBuckets: 16, IndexSaltBuckets: 16}
	broken := []phoenix.Stored{{Key: []byte{0}}}
	s := &store{tables: map[string][]phoenix.Stored{"T": broken, "I": broken}, fails: errors.New("region is gone")}
	for row, err := range (Phoenix{s, layout}).Rows(t.Context()) {
		if (row.Problem == "") == (err == nil) {
			t.Errorf("row %+v, error %v: want a problem or an error", row, err)
		}
	}
	for row, err := range (Phoenix{s, layout}).IndexRows(t.Context()) {
		if (row.Problem == "") == (err == nil) {
			t.Errorf("index row %+v, error %v: want a problem or an error", row, err)
		}
	}
	k := startKafka(t)
	_, err := Run(testContext(t), Config{Kafka: Kafka{Brokers: []string{k.Addr()}}, Topics: topics, Group: group,
		Table: Phoenix{s, layout}})
	if err == nil || !strings.Contains(err.Error(), "region is gone") {
		t.Errorf("error = %v, want that of the scan", err)
	}
}
