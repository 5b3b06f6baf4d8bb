package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"
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
