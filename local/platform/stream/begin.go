package stream

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// begin says where the stream reads on in the partitions that it was assigned: where the group has
// committed, or else where the topic begins or ends as of now. So each position is known exactly, and who
// waits for an offset that was reached in an earlier run sees it. An offset beyond the end is of a topic that
// was there before under this name: it says nothing of this one.
func (s *Stream) begin(
	ctx context.Context, offsets map[string]map[int32]kgo.Offset,
) (map[string]map[int32]kgo.Offset, error) {
	select {
	case <-s.connected:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	partitions := offsets[s.declared.Topic]
	ends, err := byPartition(kadm.NewClient(s.client).ListEndOffsets(ctx, s.declared.Topic))
	if err != nil {
		return nil, fmt.Errorf("find where topic %s ends: %w", s.declared.Topic, err)
	}
	var start map[int32]int64
	for partition, offset := range partitions {
		committed := offset.EpochOffset().Offset
		if committed >= 0 && committed <= ends[partition] {
			s.positions.begin(partition, committed, committed)
			continue
		}
		if committed >= 0 {
			s.cfg.Logger.Warn("event stream: the group has committed beyond the end, as of a topic that was made again",
				"function", s.cfg.Function, "partition", partition, "committed", committed, "end", ends[partition])
		}
		if start == nil {
			var err error
			if start, err = s.firstOffsets(ctx); err != nil {
				return nil, fmt.Errorf("find where topic %s is read from: %w", s.declared.Topic, err)
			}
		}
		at, known := start[partition]
		if !known {
			return nil, fmt.Errorf("find where topic %s is read from: partition %d is unknown", s.declared.Topic, partition)
		}
		partitions[partition] = kgo.NewOffset().At(at)
		s.positions.begin(partition, at, -1)
	}
	wake(s.commitWanted)
	return offsets, nil
}

// firstOffsets are where partitions are read from of which the group has committed nothing.
func (s *Stream) firstOffsets(ctx context.Context) (map[int32]int64, error) {
	admin := kadm.NewClient(s.client)
	if s.declared.FromLatest {
		return byPartition(admin.ListEndOffsets(ctx, s.declared.Topic))
	}
	return byPartition(admin.ListStartOffsets(ctx, s.declared.Topic))
}

func byPartition(listed kadm.ListedOffsets, err error) (map[int32]int64, error) {
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, err
	}
	offsets := map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { offsets[o.Partition] = o.Offset })
	return offsets, nil
}
