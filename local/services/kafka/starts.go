package kafka

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// starts keeps where partitions start whose records were deleted. kfake loses that when no record is left, and in a
// crash: offsets would begin at 0 again, and name other records than before. It knows topics by their ids, so that
// one deleted and made again under the same name begins at 0.
type starts struct {
	dir string

	mu sync.Mutex
	of map[string]map[int32]int64 // topic id, partition
}

const startsFile = "starts.json"

// openStarts reads what is known, which besides the own file is what kfake itself noted at a clean end.
func openStarts(dir string) (*starts, error) {
	s := &starts{dir: dir, of: map[string]map[int32]int64{}}
	data, err := os.ReadFile(filepath.Join(dir, startsFile))
	if errors.Is(err, fs.ErrNotExist) {
		data, err = []byte("{}"), nil
	}
	if err == nil {
		err = json.Unmarshal(data, &s.of)
	}
	if err != nil {
		return nil, fmt.Errorf("kafka: read where the partitions start: %w", err)
	}
	topics, err := topicsOnDisk(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	for _, t := range topics {
		for p := range int32(t.Partitions) {
			s.raise(t.ID, p, notedStart(filepath.Join(dir, "partitions", t.partition(int(p)))))
		}
	}
	return s, nil
}

// notedStart is the start in kfake's snapshot of a partition, 0 when there is none.
func notedStart(partition string) int64 {
	var snapshot struct {
		Start int64 `json:"log_start_offset"`
	}
	data, err := os.ReadFile(filepath.Join(partition, "snapshot.json"))
	if err != nil || json.Unmarshal(data, &snapshot) != nil {
		return 0
	}
	return snapshot.Start
}

func (s *starts) raise(id string, partition int32, start int64) (raised bool) {
	if start <= s.of[id][partition] {
		return false
	}
	if s.of[id] == nil {
		s.of[id] = map[int32]int64{}
	}
	s.of[id][partition] = start
	return true
}

// rule notes what DeleteRecords did before its client hears of it.
func (s *starts) rule() rule {
	return completing(func(answer *kmsg.DeleteRecordsResponse) {
		if err := s.note(answer); err != nil {
			for i := range answer.Topics {
				for j := range answer.Topics[i].Partitions {
					answer.Topics[i].Partitions[j].ErrorCode = kerr.KafkaStorageError.Code
				}
			}
		}
	})
}

func (s *starts) note(answer *kmsg.DeleteRecordsResponse) error {
	topics, err := topicsOnDisk(s.dir)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	raised := false
	for _, t := range answer.Topics {
		for _, p := range t.Partitions {
			if id := topics.id(t.Topic); id != "" && p.ErrorCode == 0 {
				raised = s.raise(id, p.Partition, p.LowWatermark) || raised
			}
		}
	}
	if !raised {
		return nil
	}
	for id := range s.of {
		if topics.name(id) == "" {
			delete(s.of, id)
		}
	}
	return s.write()
}

func (s *starts) write() error {
	data, err := json.Marshal(s.of)
	if err != nil {
		return err
	}
	beside := filepath.Join(s.dir, startsFile+".new")
	if err := os.WriteFile(beside, data, 0o644); err != nil {
		return err
	}
	return os.Rename(beside, filepath.Join(s.dir, startsFile))
}

// restore moves partitions that begin earlier than they should.
func (s *starts) restore(ctx context.Context, client *kgo.Client, log *slog.Logger) error {
	admin := kadm.NewClient(client)
	topics, err := topicsOnDisk(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	begins, err := admin.ListStartOffsets(ctx)
	if err != nil {
		return fmt.Errorf("kafka: read where the partitions start: %w", err)
	}
	ends, err := admin.ListEndOffsets(ctx)
	if err != nil {
		return fmt.Errorf("kafka: read where the partitions end: %w", err)
	}
	move := kadm.Offsets{}
	for id, partitions := range s.of {
		name := topics.name(id)
		for p, start := range partitions {
			begin, ok := begins.Lookup(name, p)
			if !ok || begin.Offset >= start {
				continue
			}
			end, _ := ends.Lookup(name, p)
			log.Info("a partition starts where it did before", "topic", name, "partition", p, "offset", start)
			if err := lift(ctx, client, name, p, start-end.Offset); err != nil {
				return fmt.Errorf("kafka: begin %s/%d at offset %d: %w", name, p, start, err)
			}
			move.Add(kadm.Offset{Topic: name, Partition: p, At: start})
		}
	}
	if len(move) == 0 {
		return nil
	}
	deleted, err := admin.DeleteRecords(ctx, move)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		return fmt.Errorf("kafka: restore where the partitions start: %w", err)
	}
	return nil
}

// lift moves a partition's end by n offsets that hold no record. kfake believes a batch's count, so that empty
// batches do; they are deleted before a client is let in.
func lift(ctx context.Context, client *kgo.Client, topic string, partition int32, n int64) error {
	for ; n > 0; n -= min(n, math.MaxInt32) {
		request := kmsg.NewPtrProduceRequest()
		request.Acks, request.TimeoutMillis = -1, 10_000
		t := kmsg.NewProduceRequestTopic()
		t.Topic = topic
		p := kmsg.NewProduceRequestTopicPartition()
		p.Partition, p.Records = partition, emptyBatch(int32(min(n, math.MaxInt32)))
		t.Partitions = append(t.Partitions, p)
		request.Topics = append(request.Topics, t)
		answer, err := request.RequestWith(ctx, client)
		if err != nil {
			return err
		}
		if err := kerr.ErrorForCode(answer.Topics[0].Partitions[0].ErrorCode); err != nil {
			return err
		}
	}
	return nil
}

// emptyBatch says that it holds n records.
func emptyBatch(n int32) []byte {
	const beforeLength, beforeChecksum, checksumEnd = 12, 17, 21
	batch := kmsg.RecordBatch{Magic: 2, LastOffsetDelta: n - 1, NumRecords: n,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, PartitionLeaderEpoch: -1}
	raw := batch.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-beforeLength))
	sum := crc32.Checksum(raw[checksumEnd:], crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(raw[beforeChecksum:], sum)
	return raw
}
