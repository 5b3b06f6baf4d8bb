package store

import "testing"

// BenchmarkRowOfTombstones reads a row that was made of 50,000 deletes of single versions, as Pebble merges it: the
// youngest operand first. An operation is one such read.
func BenchmarkRowOfTombstones(b *testing.B) {
	const deletes = 50000
	operands := make([][]byte, deletes)
	for i := range operands {
		operands[i] = appendRow(nil, 4, []Cell{{Family: []byte("0"), Qualifier: []byte("A"), Timestamp: int64(i),
			Kind: KindDelete}})
	}
	merger := rowMerger()
	for b.Loop() {
		m, err := merger.Merge([]byte("row"), operands[deletes-1])
		if err != nil {
			b.Fatal(err)
		}
		for i := deletes - 2; i >= 0; i-- {
			if err := m.MergeOlder(operands[i]); err != nil {
				b.Fatal(err)
			}
		}
		if _, _, err := m.Finish(true); err != nil {
			b.Fatal(err)
		}
	}
}
