package store

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
)

// Batch collects the writes of one call.
type Batch struct{ pebble *pebble.Batch }

// NewBatch begins a batch, which its user closes. It has room for about as many bytes as are said to come, and grows
// beyond. Closing it clears pebble's header even when nothing was written, so there must be room for that.
func (s *Store) NewBatch(room int) *Batch {
	return &Batch{s.db.NewBatchWithSize(batchrepr.HeaderLen + room)}
}

// Close lets go of a batch; what is not committed is forgotten.
func (b *Batch) Close() error { return b.pebble.Close() }

// Write adds the cells of one mutation. It sorts cells.
func (b *Batch) Write(t *Table, row []byte, cells []Cell) error {
	if len(cells) == 0 {
		return nil
	}
	if err := writeRow(b.pebble, t, row, cells); err != nil {
		return fmt.Errorf("write row %x of %s: %w", row, t.Name, err)
	}
	return nil
}

// Commit applies a batch and returns when it is on disk.
func (b *Batch) Commit() error {
	if b.pebble.Empty() {
		return nil
	}
	if err := b.pebble.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// writeRow adds the cells of one mutation to a batch. It sorts cells.
func writeRow(batch *pebble.Batch, t *Table, row []byte, cells []Cell) error {
	keep := t.keep()
	cells = canonical(cells, int(keep))
	op := batch.MergeDeferred(5+len(row), rowSize(cells))
	op.Key[0] = prefixRow
	binary.BigEndian.PutUint32(op.Key[1:], t.ID)
	copy(op.Key[5:], row)
	appendRow(op.Value[:0], keep, cells)
	return op.Finish()
}
