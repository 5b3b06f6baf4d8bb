package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// commitLoop commits low marks as they move, several at once while a commit is under way.
func (s *Stream) commitLoop() {
	for {
		select {
		case <-s.commitWanted:
			switch err := s.commit(s.ctx); {
			case err == nil:
				s.faults.works(committing)
			case s.ctx.Err() == nil:
				s.faults.kafka(committing, err)
				if sleep(s.ctx, time.Second) {
					wake(s.commitWanted)
				}
			}
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *Stream) commit(ctx context.Context) error {
	offsets := s.positions.uncommitted()
	if len(offsets) == 0 {
		return nil
	}
	if err := s.commitOffsets(ctx, offsets); err != nil {
		return fmt.Errorf("commit offsets of %s: %w", s.declared.Group, err)
	}
	committed := map[int32]int64{}
	for partition, offset := range offsets {
		committed[partition] = offset.Offset
	}
	s.positions.committed(committed)
	return nil
}

func (s *Stream) commitOffsets(ctx context.Context, offsets map[int32]kgo.EpochOffset) (err error) {
	s.client.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{s.declared.Topic: offsets},
		commitCallback(&err))
	return err
}

// commitCallback keeps the first error of a commit: of the request, or of one partition.
func commitCallback(first *error) func(*kgo.Client, *kmsg.OffsetCommitRequest, *kmsg.OffsetCommitResponse, error) {
	return func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, response *kmsg.OffsetCommitResponse, err error) {
		if err != nil {
			*first = err
			return
		}
		for _, topic := range response.Topics {
			for _, partition := range topic.Partitions {
				if err := kerr.ErrorForCode(partition.ErrorCode); err != nil && *first == nil {
					*first = err
				}
			}
		}
	}
}
