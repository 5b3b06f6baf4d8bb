package stream

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A partition that comes to a task whose buffer is full waits with the others, and goes on with them.
func TestAPartitionOfAFullTaskIsPausedToo(t *testing.T) {
	paused := map[int32]bool{}
	b := &batcher{
		count: bufferedRecords, window: time.Hour, came: make(chan struct{}, 1),
		pause: func(partitions []int32) {
			for _, p := range partitions {
				paused[p] = true
			}
		},
		resume: func(partitions []int32) {
			for _, p := range partitions {
				delete(paused, p)
			}
		},
	}
	b.assign(0)
	records := make([]*kgo.Record, bufferedRecords)
	for i := range records {
		records[i] = &kgo.Record{Offset: int64(i)}
	}
	b.add(records, newProgress(0, -1))
	b.assign(2)
	if got := slices.Sorted(maps.Keys(paused)); !slices.Equal(got, []int32{0, 2}) {
		t.Errorf("paused are %v, want both", got)
	}
	if p := b.take(); len(p.items) != bufferedRecords || len(paused) != 0 {
		t.Errorf("with %d taken, %v are still paused", len(p.items), paused)
	}
}
