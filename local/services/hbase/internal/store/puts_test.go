package store

import (
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// What mergePuts joins, it joins as mergeAll does.
func TestMergePuts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		put := rapid.Custom(func(t *rapid.T) Cell {
			c := anyCell(t)
			if rapid.IntRange(0, 20).Draw(t, "other") > 0 {
				c.Kind = KindPut
			}
			return c
		})
		var operands [][]byte
		puts := true
		for range rapid.IntRange(1, 6).Draw(t, "operands") {
			keep := rapid.IntRange(1, 5).Draw(t, "keep")
			cells := canonical(rapid.SliceOfN(put, 0, 12).Draw(t, "cells"), keep)
			for _, c := range cells {
				puts = puts && c.Kind == KindPut
			}
			operands = append(operands, appendRow(nil, byte(keep), cells))
		}
		want, err := mergeAll(operands)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := mergePuts(nil, make([]operand, len(operands)), operands)
		if ok != puts {
			t.Fatalf("joined %t, puts alone %t", ok, puts)
		}
		if diff := gocmp.Diff(want, got); ok && diff != "" {
			t.Fatal(diff)
		}
	})
}

// BenchmarkMerge joins 6 puts of ten columns with a row that has four of each; an operation is one row.
func BenchmarkMerge(b *testing.B) {
	operands := make([][]byte, 10)
	for i := range operands {
		var cells []Cell
		for q := range 10 {
			cells = append(cells, Cell{Family: []byte("0"), Qualifier: fmt.Appendf(nil, "Q%d", q), Timestamp: int64(i),
				Kind: KindPut, Value: []byte("fifteen bytes..")})
		}
		operands[i] = appendRow(nil, 4, cells)
	}
	row, err := mergeAll(operands[:4])
	if err != nil {
		b.Fatal(err)
	}
	operands = append([][]byte{row}, operands[4:]...)
	var room []byte
	for name, join := range map[string]func([][]byte) error{
		"puts": func(o [][]byte) error { room, _ = mergePuts(room[:0], make([]operand, len(o)), o); return nil },
		"all":  func(o [][]byte) error { _, err := mergeAll(o); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := join(operands); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
