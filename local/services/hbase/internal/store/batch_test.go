package store

import (
	"log/slog"
	"testing"
)

// A batch that nothing was written to closes like any other, whatever room was asked for. All are open at once, so that
// none is given the room of one before it.
func TestAnEmptyBatchCloses(t *testing.T) {
	t.Parallel()
	s, err := Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	batches := make([]*Batch, 64)
	for room := range batches {
		batches[room] = s.NewBatch(room)
	}
	for room, b := range batches {
		if err := b.Close(); err != nil {
			t.Errorf("with room for %d bytes: %v", room, err)
		}
	}
}
