package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// source is the Kafka side of a stream: a member of its consumer group.
type source struct {
	client       *kgo.Client
	topic, group string
}

// source connects as a member of the trigger's group. Assigned partitions and offsets come by callback.
func (s *Stream) connect() (*source, error) {
	reset := kgo.NewOffset().AtStart()
	if s.cfg.Declared.FromLatest {
		reset = kgo.NewOffset().AtEnd()
	}
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(s.cfg.Brokers...), kgo.ConsumerGroup(s.cfg.Declared.Group), kgo.ConsumeTopics(s.cfg.Declared.Topic),
		kgo.ConsumeResetOffset(reset), kgo.DisableAutoCommit(), kgo.FetchMaxWait(500 * time.Millisecond),
		kgo.KeepControlRecords(), // they show where fetching stands
		kgo.OnPartitionsAssigned(s.assigned), kgo.OnOffsetsFetched(s.offsetsFetched), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.ProducerBatchMaxBytes(4 << 20), kgo.MetadataMaxAge(10 * time.Second), kgo.RetryTimeout(10 * time.Second),
	}, s.cfg.Options...)...)
	if err != nil {
		return nil, fmt.Errorf("event stream on %s: %w", s.cfg.Declared.Topic, err)
	}
	return &source{client: client, topic: s.cfg.Declared.Topic, group: s.cfg.Declared.Group}, nil
}

func (s *source) pause(partitions ...int32) {
	s.client.PauseFetchPartitions(map[string][]int32{s.topic: partitions})
}

func (s *source) resume(partitions ...int32) {
	s.client.ResumeFetchPartitions(map[string][]int32{s.topic: partitions})
}

// bounds asks every leader where its partitions begin and end, and the coordinator whether it is there.
func (s *source) bounds(ctx context.Context) (starts, ends map[int32]int64, err error) {
	admin := kadm.NewClient(s.client)
	if starts, err = offsetsOf(admin.ListStartOffsets(ctx, s.topic)); err != nil {
		return nil, nil, fmt.Errorf("find the beginning of %s: %w", s.topic, err)
	}
	if ends, err = offsetsOf(admin.ListEndOffsets(ctx, s.topic)); err != nil {
		return nil, nil, fmt.Errorf("find the end of %s: %w", s.topic, err)
	}
	// A group that nobody has joined yet is an answer, too.
	if _, err = admin.FetchOffsets(ctx, s.group); err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, nil, fmt.Errorf("ask the coordinator of group %s: %w", s.group, err)
	}
	return starts, ends, nil
}

func offsetsOf(listed kadm.ListedOffsets, err error) (map[int32]int64, error) {
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

// commit returns the first error: of the request, or of one partition.
func (s *source) commit(ctx context.Context, offsets map[int32]kgo.EpochOffset) (first error) {
	s.client.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{s.topic: offsets},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, response *kmsg.OffsetCommitResponse, err error) {
			if first = err; err == nil {
				first = committedAll(response)
			}
		})
	return first
}

func committedAll(response *kmsg.OffsetCommitResponse) error {
	for _, topic := range response.Topics {
		for _, partition := range topic.Partitions {
			if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}

// assigned gives each new partition to its task.
func (s *Stream) assigned(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
	s.health.kafkaWorks()
	for _, number := range assigned[s.cfg.Declared.Topic] {
		if s.offsets.assign(number) {
			s.assign(number)
		}
	}
}

func (s *Stream) offsetsFetched(_ context.Context, _ *kgo.Client, fetched *kmsg.OffsetFetchResponse) error {
	committed := map[int32]int64{}
	for _, group := range fetched.Groups {
		for _, topic := range group.Topics {
			for _, p := range topic.Partitions {
				if p.ErrorCode == 0 {
					committed[p.Partition] = p.Offset
				}
			}
		}
	}
	s.offsets.resume(committed)
	return nil
}

const (
	// silence is how long the brokers may send nothing before they are asked whether they are there: the
	// client repeats what fails by itself and tells nobody.
	silence = 2 * time.Second
	// failurePause keeps a fetch that fails at once from being repeated at once.
	failurePause = 250 * time.Millisecond
)

// poll hands fetched records to the tasks until the stream closes.
func (s *Stream) poll() {
	for s.ctx.Err() == nil {
		patience, cancel := context.WithTimeout(s.ctx, silence)
		fetches := s.source.client.PollFetches(patience)
		silent := patience.Err() != nil && fetches.NumRecords() == 0
		cancel()
		switch {
		case s.ctx.Err() != nil:
			return
		case silent:
			s.survey()
		case fetches.NumRecords() > 0:
			s.health.kafkaWorks()
			fetches.EachPartition(s.fetched)
		default:
			s.fetchFailed(fetches)
		}
	}
}

func (s *Stream) fetchFailed(fetches kgo.Fetches) {
	fetches.EachError(func(_ string, partition int32, err error) {
		s.health.kafkaFailed(fmt.Errorf("fetch %s/%d: %w", s.cfg.Declared.Topic, partition, err))
	})
	sleep(s.ctx, failurePause)
}

// fetched takes what came of one partition. Transaction marks are no records: they only move where fetching
// stands.
func (s *Stream) fetched(p kgo.FetchTopicPartition) {
	if p.Err != nil {
		s.health.kafkaFailed(fmt.Errorf("fetch %s/%d: %w", p.Topic, p.Partition, p.Err))
	}
	if len(p.Records) == 0 {
		return
	}
	records := make([]*kgo.Record, 0, len(p.Records))
	behind := int64(unknown)
	for _, r := range p.Records {
		if !r.Attrs.IsControl() {
			records = append(records, r)
			behind = r.Offset + 1
		}
	}
	position := p.Records[len(p.Records)-1].Offset + 1
	wanted := s.offsets.update(p.Partition, func(known *progress) {
		known.fetch(behind, position)
		known.end = max(known.end, p.HighWatermark)
	})
	if wanted {
		wake(s.commitWanted)
	}
	if t := s.task(p.Partition); t != nil && len(records) > 0 {
		t.add(records)
	}
}

// survey asks where the partitions begin and end. Until the first fetch of new records nothing else tells
// how far the stream lags behind; and of records that were deleted nothing else tells at all.
func (s *Stream) survey() {
	ctx, cancel := context.WithTimeout(s.ctx, silence)
	defer cancel()
	starts, ends, err := s.source.bounds(ctx)
	if err != nil {
		if s.ctx.Err() == nil {
			s.health.kafkaFailed(err)
		}
		return
	}
	s.health.kafkaWorks()
	if s.offsets.bounds(starts, ends) {
		wake(s.commitWanted)
	}
}

// sleep returns early when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
