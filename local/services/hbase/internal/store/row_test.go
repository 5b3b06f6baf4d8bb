package store

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func FuzzStoredRow(f *testing.F) {
	c := Cell{Family: []byte("0"), Qualifier: []byte("q"), Timestamp: 1, Kind: KindPut, Value: []byte("v")}
	f.Add(appendRow(nil, 4, []Cell{c}))
	f.Fuzz(func(t *testing.T, b []byte) {
		cells, keep, err := decodeRow(nil, b)
		if err != nil {
			return
		}
		again := appendRow(nil, keep, cells)
		if len(again) != rowSize(cells) {
			t.Errorf("size %d announced, %d written", rowSize(cells), len(again))
		}
		back, _, err := decodeRow(nil, again)
		if diff := cmp.Diff(cells, back); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}

// TestOperandsMayComeFromBothSides starts a merge in the middle of a row's history, as Pebble may.
func TestOperandsMayComeFromBothSides(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		history := rapid.SliceOfN(rapid.Custom(anyCell), 1, 20).Draw(t, "history")
		older := rapid.IntRange(0, len(history)-1).Draw(t, "begins at")
		operand := func(i int) []byte { return appendRow(nil, 100, history[i:i+1]) }
		m, err := rowMerger().Merge([]byte("row"), operand(older))
		newer := older + 1
		for older > 0 || newer < len(history) {
			if older > 0 && (newer == len(history) || rapid.Bool().Draw(t, "older next")) {
				older--
				err = errors.Join(err, m.MergeOlder(operand(older)))
			} else {
				err = errors.Join(err, m.MergeNewer(operand(newer)))
				newer++
			}
		}
		value, _, finishErr := m.Finish(true)
		got, _, decodeErr := decodeRow(nil, value)
		if err := errors.Join(err, finishErr, decodeErr); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(canonical(history, 100), got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}
