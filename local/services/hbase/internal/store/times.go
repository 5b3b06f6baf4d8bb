package store

import (
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// Every block of rows on disk carries the newest timestamp in it, so that a scan of what was written since some time
// passes over the others, as HBase passes over files. A block without rows of interest may hold older writes of a row
// that has newer ones elsewhere: those alone make the row then, which is all that such a scan wants of it.

// timesProperty names what blocks carry. Blocks of earlier releases carry nothing, and are read.
const timesProperty = "feedstream.hbase.times.1"

// times finds the newest timestamp of one stored value after the other.
type times struct{}

func collectTimes() pebble.BlockPropertyCollector {
	return sstable.NewBlockIntervalCollector(timesProperty, times{}, nil)
}

// MapPointKey returns the newest timestamp of a part of a row, which is a merge operand always. What is none, or a
// damaged one, belongs to all times.
func (times) MapPointKey(key pebble.InternalKey, value []byte) (sstable.BlockInterval, error) {
	always := sstable.BlockInterval{Upper: math.MaxUint64}
	if key.Kind() != pebble.InternalKeyKindMerge {
		return always, nil
	}
	newest := int64(-1)
	for rest := value[min(1, len(value)):]; len(rest) > 0; {
		var c Cell
		var err error
		if rest, err = c.cut(rest); err != nil {
			return always, nil
		}
		newest = max(newest, c.Timestamp)
	}
	if newest < 0 {
		return always, nil
	}
	return sstable.BlockInterval{Lower: uint64(newest), Upper: uint64(newest) + 1}, nil
}

// MapRangeKeys: rows have none.
func (times) MapRangeKeys(sstable.Span) (sstable.BlockInterval, error) {
	return sstable.BlockInterval{}, nil
}

// writtenSince passes over blocks that hold nothing at or after a timestamp.
func writtenSince(since int64) []pebble.BlockPropertyFilter {
	if since <= 0 {
		return nil
	}
	filters := make([]pebble.BlockPropertyFilter, 0, 2) // Pebble adds one of its own
	return append(filters, sstable.NewBlockIntervalFilter(timesProperty, uint64(since), math.MaxUint64, nil))
}
