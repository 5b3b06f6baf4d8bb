// Package stream is an event stream: a Kafka source whose records are pushed to a function in batches, and
// tried again, until each has its verdict.
package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/latency"
	"feedstream/local/platform/manifest"
)

// leaveTime bounds the last commit of a stream.
const leaveTime = 10 * time.Second

// Config says where the records come from and where they go.
type Config struct {
	Brokers []string
	Options []kgo.Opt // SASL and TLS, where the brokers want them
	Account string    // in the form of the events
	// TimeScale divides the waits of retries.
	TimeScale float64
	Logger    *slog.Logger
	// Function is the name of what Invoke calls, for the status and the log.
	Function string
	// Invoke delivers one push. A push that has begun is not cut off when the stream stops.
	Invoke func(ctx context.Context, body []byte) error
	// Fault is asked for each try of a push; nil: nothing goes wrong.
	Fault func() Fault
}

// Status is the state of one event stream.
type Status struct {
	Function, Topic, Group string
	Lag                    int64 // sum of high watermark - committed offset over the partitions
	InFlight, Waiting      int   // pushes under way, and those among them that wait for a retry
	DeadLettered           int64 // events
	LastError              string
	Failing                []Failing // pushes that have failed and have no verdict yet, the oldest first
	Partitions             []Partition
	// Latency counts, of each record of a push that succeeded, the time from its own in Kafka to the answer.
	Latency latency.Counts
}

// Stream is one event stream.
//
// Its tasks share the partitions. Up to the trigger's concurrency, pushes run side by side, those of one
// partition too; what is committed of a partition is the contiguous run of offsets with a verdict.
type Stream struct {
	cfg      Config
	declared manifest.Stream
	client   *kgo.Client
	encoder  encoder

	ctx    context.Context
	cancel context.CancelFunc
	ended  sync.WaitGroup
	slots  chan struct{} // one token for each push under way

	tasks        *tasks
	positions    *positions
	faults       *faults
	failing      *failing
	retries      *waits
	order        *order
	commitWanted chan struct{}
	deadLettered atomic.Int64
	latency      latency.Histogram
	company      atomic.Value // string: the other members of the group that were told of

	connected chan struct{} // closed when the client is there: it may call back before
}

// Start joins the group and begins to push.
func Start(cfg Config, declared manifest.Stream) *Stream {
	s := &Stream{
		cfg: cfg, declared: declared,
		encoder:   encoder{account: cfg.Account, instance: declared.InstanceID, rawData: declared.RawData},
		slots:     make(chan struct{}, max(declared.Concurrency, 1)),
		positions: newPositions(), retries: newWaits(), order: newOrder(), commitWanted: make(chan struct{}, 1),
		connected: make(chan struct{}), failing: &failing{pushes: map[*kgo.Record]Failing{}},
		faults: &faults{
			logger: cfg.Logger.With("function", cfg.Function), brokers: cfg.Brokers, failing: map[string]time.Time{},
		},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.tasks = &tasks{most: int32(declared.MaximumTasks), start: s.startTask, batchers: map[int32]*batcher{}}
	client, err := kgo.NewClient(s.options()...)
	if err != nil {
		s.faults.failed(fmt.Errorf("event stream on %s: %w", declared.Topic, err)) // options are constant: unreachable
		return s
	}
	s.client = client
	close(s.connected)
	s.ended.Go(s.poll)
	s.ended.Go(s.commitLoop)
	s.ended.Go(s.watch)
	return s
}

func (s *Stream) options() []kgo.Opt {
	reset := kgo.NewOffset().AtStart()
	if s.declared.FromLatest {
		reset = kgo.NewOffset().AtEnd()
	}
	return append([]kgo.Opt{
		kgo.ClientID(ClientID), kgo.SeedBrokers(s.cfg.Brokers...),
		kgo.ConsumerGroup(s.declared.Group), kgo.ConsumeTopics(s.declared.Topic),
		kgo.ConsumeResetOffset(reset), kgo.DisableAutoCommit(), kgo.FetchMaxWait(500 * time.Millisecond),
		kgo.OnPartitionsAssigned(s.assigned), kgo.AdjustFetchOffsetsFn(s.begin),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.ProducerBatchMaxBytes(letterBatchBytes),
		kgo.MetadataMaxAge(10 * time.Second), kgo.RetryTimeout(10 * time.Second),
	}, s.cfg.Options...)
}

func (s *Stream) startTask() *batcher {
	ofTopic := func(partitions []int32) map[string][]int32 { return map[string][]int32{s.declared.Topic: partitions} }
	b := &batcher{
		encoder: s.encoder, count: s.declared.BatchCount, window: s.declared.BatchWindow, came: make(chan struct{}, 1),
		pause:  func(partitions []int32) { s.client.PauseFetchPartitions(ofTopic(partitions)) },
		resume: func(partitions []int32) { s.client.ResumeFetchPartitions(ofTopic(partitions)) },
	}
	s.ended.Go(func() { s.run(b) })
	return b
}

func (s *Stream) assigned(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
	s.faults.works(grouping)
	for _, partition := range assigned[s.declared.Topic] {
		if b := s.tasks.of(partition); b != nil {
			b.assign(partition)
		}
	}
}

// What of Kafka can fail, as it is told.
const (
	grouping   = "be in the group"
	committing = "commit"
	fetching   = "fetch " // and of which partition
)

// failedPoll is the wait after a poll that brought nothing but errors: some come at once, every time.
const failedPoll = time.Second

// poll hands fetched records to the tasks until the stream closes.
func (s *Stream) poll() {
	for s.ctx.Err() == nil {
		fetches := s.client.PollFetches(s.ctx)
		failed := false
		fetches.EachError(func(_ string, partition int32, err error) {
			failed = true
			if s.ctx.Err() == nil {
				s.fetchFailed(partition, err)
			}
		})
		fetches.EachPartition(s.receive)
		if failed && fetches.NumRecords() == 0 {
			sleep(s.ctx, failedPoll)
		}
	}
}

func (s *Stream) fetchFailed(partition int32, err error) {
	var outside *kgo.ErrGroupSession
	if errors.As(err, &outside) {
		s.faults.kafka(grouping, err)
		return
	}
	s.faults.kafka(s.fetchOf(partition), err)
	if errors.Is(err, kerr.UnknownTopicID) {
		// The topic was deleted; one made again under its name is another one to the client.
		s.client.PurgeTopicsFromConsuming(s.declared.Topic)
		s.client.AddConsumeTopics(s.declared.Topic)
	}
}

func (s *Stream) fetchOf(partition int32) string {
	return fmt.Sprintf("%s%s/%d", fetching, s.declared.Topic, partition)
}

func (s *Stream) receive(fetched kgo.FetchTopicPartition) {
	if len(fetched.Records) == 0 {
		return
	}
	s.faults.works(s.fetchOf(fetched.Partition))
	if progress, b := s.positions.receive(fetched), s.tasks.of(fetched.Partition); progress != nil && b != nil {
		b.add(fetched.Records, progress)
	}
}

// RetryNow ends the waits of all retries, and returns how many there were.
func (s *Stream) RetryNow() (pushes int) { return s.retries.end() }

// GiveUp gives those pushes up that have failed, as if the retries were used up: their records become dead letters, at once
// or, of a push that is tried just now, when that fails too. It returns how many it gives up. A stream without a place for dead
// letters is refused: it would stop, or the records would be lost.
func (s *Stream) GiveUp() (pushes int, err error) {
	if !s.declared.TolerateErrors || s.declared.DeadLetterTopic == "" {
		return 0, fmt.Errorf("the trigger of %s has no place for dead letters: give it errorsTolerance ALL and a deadLetterQueue",
			s.cfg.Function)
	}
	pushes = s.failing.giveUp()
	s.retries.end()
	return pushes, nil
}

// Status is cheap: it asks nobody.
func (s *Stream) Status() Status {
	return Status{
		Function: s.cfg.Function, Topic: s.declared.Topic, Group: s.declared.Group, Lag: s.positions.lag(),
		InFlight: len(s.slots), Waiting: s.retries.waiting(), DeadLettered: s.deadLettered.Load(),
		LastError: s.faults.lastError(), Failing: s.failing.list(), Partitions: s.positions.list(),
		Latency: s.latency.Counts(),
	}
}

// Stop ends fetching and the waits for retries; pushes under way go on.
func (s *Stream) Stop() {
	s.tasks.stop() // none begins from now on, so that Wait waits for all
	s.cancel()
}

// Wait returns when a stopped stream has nothing under way any more.
func (s *Stream) Wait() { s.ended.Wait() }

// Leave commits what the last pushes brought and leaves the group. It comes after every push has ended,
// and has its own time: what a push has done must not come again because the pushes took long.
func (s *Stream) Leave() error {
	if s.client == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	err := s.commit(ctx)
	s.client.Close()
	return err
}
