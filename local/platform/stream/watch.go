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

const (
	watchEvery   = time.Second
	groupEvery   = 10 // looks at the topic
	watchTimeout = 5 * time.Second
	watchBytes   = 1 << 20
)

// watch asks the brokers that hold the partitions how far these go: the client repeats in silence what it
// fetches in vain, and of a partition that cannot be fetched nothing else tells the end.
func (s *Stream) watch() {
	for looks := 1; ; looks++ {
		s.look()
		if looks%groupEvery == 0 {
			ctx, cancel := context.WithTimeout(s.ctx, watchTimeout)
			s.lookAtGroup(ctx)
			cancel()
		}
		if !sleep(s.ctx, watchEvery) {
			return
		}
	}
}

func (s *Stream) look() {
	ctx, cancel := context.WithTimeout(s.ctx, watchTimeout)
	defer cancel()
	const bounds = "ask how far the topic goes"
	switch err := s.lookAtTopic(ctx); {
	case err == nil:
		s.faults.works(bounds)
		s.faults.settle(time.Now().Add(-quiet))
	case s.ctx.Err() == nil:
		s.faults.kafka(bounds, err)
	}
	if s.faults.fails(grouping) && s.heartbeat(ctx) == nil {
		s.faults.works(grouping)
	}
}

// lookAtTopic finds the bounds of each partition, and what of it is no record.
func (s *Stream) lookAtTopic(ctx context.Context) error {
	admin, lows := kadm.NewClient(s.client), s.positions.lows()
	starts, err := byPartition(admin.ListStartOffsets(ctx, s.declared.Topic))
	if err != nil {
		return err
	}
	ends, err := byPartition(admin.ListEndOffsets(ctx, s.declared.Topic))
	if err != nil {
		return err
	}
	for partition, low := range lows {
		if end, ok := ends[partition]; ok {
			s.positions.bounds(partition, low, starts[partition], end)
		}
	}
	for partition, low := range s.positions.idle() {
		next, err := FirstRecord(ctx, s.client, s.declared.Topic, partition, low)
		if err != nil {
			return fmt.Errorf("look for records of partition %d from %d on: %w", partition, low, err)
		}
		s.positions.pass(partition, low, next)
	}
	wake(s.commitWanted)
	return nil
}

// FirstRecord reads a partition as the client does, which tells of records only, and returns the first offset
// from low on at which there may be a record: marks of transactions and what compaction left have none.
func FirstRecord(ctx context.Context, client *kgo.Client, topic string, partition int32, low int64) (next int64, err error) {
	next = low
	for {
		fetched, err := fetch(ctx, client, topic, partition, next)
		if err != nil {
			return low, err
		}
		options := kgo.ProcessFetchPartitionOpts{Topic: topic, Partition: partition, Offset: next}
		records, after := kgo.ProcessFetchPartition(options, fetched, kgo.DefaultDecompressor(), nil)
		switch {
		case len(records.Records) > 0:
			return max(next, records.Records[0].Offset), nil
		case records.Err != nil:
			return next, nil // the stream's own fetch tells
		case len(fetched.RecordBatches) == 0: // all up to the end has been compacted away
			return max(next, fetched.HighWatermark), nil
		case after <= next:
			return next, nil
		}
		next = after
	}
}

// fetch asks a partition's leader for what it has from an offset on.
func fetch(
	ctx context.Context, client *kgo.Client, name string, partition int32, offset int64,
) (*kmsg.FetchResponseTopicPartition, error) {
	topics, err := kadm.NewClient(client).ListTopics(ctx, name)
	if err != nil {
		return nil, err
	}
	topic := topics[name]
	if topic.Err != nil {
		return nil, topic.Err
	}
	request := kmsg.NewPtrFetchRequest()
	request.MinBytes, request.MaxBytes = 1, watchBytes
	request.SessionEpoch = -1 // no session: one answer
	wanted, part := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	part.Partition, part.FetchOffset, part.PartitionMaxBytes = partition, offset, watchBytes
	wanted.Topic, wanted.TopicID, wanted.Partitions = topic.Topic, topic.ID, append(wanted.Partitions, part)
	request.Topics = append(request.Topics, wanted)
	answer, err := client.Broker(int(topic.Partitions[partition].Leader)).RetriableRequest(ctx, request)
	if err != nil {
		return nil, err
	}
	response := answer.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(response.ErrorCode); err != nil {
		return nil, err
	}
	if len(response.Topics) != 1 || len(response.Topics[0].Partitions) != 1 {
		return nil, errors.New("the broker answered with nothing")
	}
	fetched := &response.Topics[0].Partitions[0]
	if response.ThrottleMillis > 0 {
		fetched.HighWatermark = offset // an empty answer is the quota's, and says nothing
	}
	return fetched, nil
}

// heartbeat asks the group's coordinator whether this member is in the group.
func (s *Stream) heartbeat(ctx context.Context) error {
	request := kmsg.NewPtrHeartbeatRequest()
	request.Group = s.declared.Group
	request.MemberID, request.Generation = s.client.GroupMetadata()
	response, err := request.RequestWith(ctx, s.client)
	if err == nil {
		err = kerr.ErrorForCode(response.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("heartbeat of group %s: %w", s.declared.Group, err)
	}
	return nil
}
