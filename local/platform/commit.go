package platform

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// offsetsFetched takes over what the group had committed before, so that who waits for an offset that
// was reached in an earlier run sees it.
func (s *stream) offsetsFetched(_ context.Context, _ *kgo.Client, fetched *kmsg.OffsetFetchResponse) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, group := range fetched.Groups {
		for _, topic := range group.Topics {
			for _, p := range topic.Partitions {
				if known := s.partitions[p.Partition]; known != nil && p.ErrorCode == 0 {
					known.committed = max(known.committed, p.Offset)
				}
			}
		}
	}
	s.notify()
	return nil
}

// findEnds asks for the end of each partition once: until the first fetch of new records nothing else
// tells how far the stream lags behind.
func (s *stream) findEnds() {
	admin := kadm.NewClient(s.client)
	for {
		ends, err := admin.ListEndOffsets(s.ctx, s.declared.Topic)
		if err == nil {
			err = ends.Error()
		}
		if err == nil {
			s.mu.Lock()
			s.ends = map[int32]int64{}
			ends.Each(func(end kadm.ListedOffset) { s.ends[end.Partition] = end.Offset })
			s.mu.Unlock()
			return
		}
		if !sleepUntil(s.ctx, time.Now().Add(time.Second)) {
			return
		}
	}
}

// commitLoop commits low marks as they move, several at once while a commit is under way.
func (s *stream) commitLoop() {
	for {
		select {
		case <-s.commitWanted:
			if err := s.commit(s.ctx); err != nil && s.ctx.Err() == nil {
				s.kafkaFailed(err)
				if sleepUntil(s.ctx, time.Now().Add(time.Second)) {
					wake(s.commitWanted)
				}
			}
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *stream) commit(ctx context.Context) error {
	s.mu.Lock()
	offsets := map[int32]kgo.EpochOffset{}
	for _, p := range s.partitions {
		if p.acknowledged > p.committed {
			offsets[p.number] = kgo.EpochOffset{Epoch: -1, Offset: p.acknowledged}
		}
	}
	s.mu.Unlock()
	if len(offsets) == 0 {
		return nil
	}
	if err := s.commitOffsets(ctx, offsets); err != nil {
		return fmt.Errorf("commit offsets of %s: %w", s.declared.Group, err)
	}
	s.kafkaAnswers()
	s.mu.Lock()
	defer s.mu.Unlock()
	for number, offset := range offsets {
		s.partitions[number].committed = max(s.partitions[number].committed, offset.Offset)
	}
	s.notify()
	return nil
}

func (s *stream) commitOffsets(ctx context.Context, offsets map[int32]kgo.EpochOffset) (err error) {
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
