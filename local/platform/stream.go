package platform

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/manifest"
)

// leaveTime bounds the last commit of a stream.
const leaveTime = 10 * time.Second

// stream is one event stream: a Kafka source whose records are pushed to a function in batches.
//
// Its tasks share the partitions. Up to the trigger's concurrency, pushes run side by side, those of one
// partition too; what is committed of a partition is the contiguous run of offsets with a verdict.
type stream struct {
	platform *Platform
	function *function
	declared manifest.Stream
	client   *kgo.Client
	encoder  encoder

	ctx    context.Context
	cancel context.CancelFunc
	ended  sync.WaitGroup
	slots  chan struct{} // one token for each push under way

	mu           sync.Mutex
	tasks        map[int32]*task // by partition modulo maximumTasks
	partitions   map[int32]*partition
	ends         map[int32]int64 // of the partitions when the stream began
	changed      chan struct{}   // closed and replaced when a commit, an assignment or retryNow happens
	retry        chan struct{}   // closed and replaced by retryNow
	commitWanted chan struct{}
	waiting      int
	deadLettered int64
	lastError    string
	kafkaDown    bool
}

func startStream(p *Platform, f *function, declared manifest.Stream) *stream {
	ctx, cancel := context.WithCancel(context.Background())
	s := &stream{
		platform: p, function: f, declared: declared, ctx: ctx, cancel: cancel,
		encoder: encoder{account: p.cfg.AccountID, instance: declared.InstanceID, rawData: declared.RawData},
		slots:   make(chan struct{}, max(declared.Concurrency, 1)),
		tasks:   map[int32]*task{}, partitions: map[int32]*partition{},
		changed: make(chan struct{}), retry: make(chan struct{}), commitWanted: make(chan struct{}, 1),
	}
	reset := kgo.NewOffset().AtStart()
	if declared.FromLatest {
		reset = kgo.NewOffset().AtEnd()
	}
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(p.cfg.KafkaBrokers...), kgo.ConsumerGroup(declared.Group), kgo.ConsumeTopics(declared.Topic),
		kgo.ConsumeResetOffset(reset), kgo.DisableAutoCommit(), kgo.FetchMaxWait(500 * time.Millisecond),
		kgo.OnPartitionsAssigned(s.assigned), kgo.OnOffsetsFetched(s.offsetsFetched), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.ProducerBatchMaxBytes(4 << 20), kgo.MetadataMaxAge(10 * time.Second), kgo.RetryTimeout(10 * time.Second),
	}, p.cfg.KafkaOptions...)...)
	if err != nil {
		s.failed(fmt.Errorf("event stream on %s: %w", declared.Topic, err)) // options are constant: unreachable
		return s
	}
	s.client = client
	s.ended.Go(s.poll)
	s.ended.Go(s.commitLoop)
	s.ended.Go(s.findEnds)
	return s
}

func (s *stream) assigned(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
	s.kafkaAnswers()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	for _, number := range assigned[s.declared.Topic] {
		if s.partitions[number] == nil {
			t := s.task(number % int32(s.declared.MaximumTasks))
			t.partitions = append(t.partitions, number)
			s.partitions[number] = &partition{number: number, task: t, committed: -1, acknowledged: -1}
		}
	}
	s.notify()
}

// task returns the task of that number and starts it when it is new; the mutex is held.
func (s *stream) task(number int32) *task {
	t := s.tasks[number]
	if t == nil {
		t = &task{wake: make(chan struct{}, 1)}
		s.tasks[number] = t
		s.ended.Go(func() { s.run(t) })
	}
	return t
}

// notify wakes who waits for a change; the mutex is held.
func (s *stream) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// poll hands fetched records to the tasks until the stream closes.
func (s *stream) poll() {
	for s.ctx.Err() == nil {
		patience, cancel := context.WithTimeout(s.ctx, silence)
		fetches := s.client.PollFetches(patience)
		silent := patience.Err() != nil && fetches.NumRecords() == 0 && s.ctx.Err() == nil
		cancel()
		if silent {
			s.ask()
			continue
		}
		fetches.EachError(func(_ string, partition int32, err error) {
			if s.ctx.Err() == nil {
				s.kafkaFailed(fmt.Errorf("fetch %s/%d: %w", s.declared.Topic, partition, err))
			}
		})
		if fetches.NumRecords() > 0 {
			s.kafkaAnswers()
		}
		s.mu.Lock()
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if known := s.partitions[p.Partition]; known != nil && len(p.Records) > 0 {
				known.highWatermark = max(known.highWatermark, p.HighWatermark)
				s.buffer(known.task, p.Records)
			}
		})
		s.mu.Unlock()
	}
}

// silence is how long the brokers may send nothing before they are asked whether they are there: the
// client repeats what fails by itself and tells nobody.
const silence = 2 * time.Second

func (s *stream) ask() {
	ctx, cancel := context.WithTimeout(s.ctx, silence)
	defer cancel()
	if err := s.client.Ping(ctx); err == nil {
		s.kafkaAnswers()
	} else if s.ctx.Err() == nil {
		s.kafkaFailed(err)
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is awake already
	}
}

// run forms the batches of one task and pushes them.
func (s *stream) run(t *task) {
	for {
		if !s.batchReady(t) {
			return
		}
		select {
		case s.slots <- struct{}{}:
		case <-s.ctx.Done():
			return
		}
		p := s.takeBatch(t)
		s.ended.Go(func() {
			defer func() { <-s.slots }()
			if s.deliver(p) {
				s.verdict(p)
			}
		})
	}
}

// deliver pushes a batch until it has a verdict; false means that the stream closed before.
func (s *stream) deliver(p *push) bool {
	for failed := 1; ; failed++ {
		_, err := s.function.invoke(s.ctx, p.body)
		if err == nil {
			return true
		}
		if s.ctx.Err() != nil {
			return false
		}
		first := p.records[0]
		s.failed(fmt.Errorf("push of %d events from %s/%d/%d: %w", len(p.records), first.Topic, first.Partition, first.Offset, err))
		wait, again := delay(s.declared.Retry == manifest.BackoffRetry, failed, rand.Float64)
		if !again {
			return s.giveUp(p)
		}
		if !s.wait(time.Duration(float64(wait) / s.platform.cfg.TimeScale)) {
			return false
		}
	}
}

// wait ends early on retryNow, and with false when the stream closes.
func (s *stream) wait(d time.Duration) bool {
	s.mu.Lock()
	retry := s.retry
	s.waiting++
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.waiting--
		s.mu.Unlock()
	}()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-retry:
		return true
	case <-s.ctx.Done():
		return false
	}
}

func (s *stream) retryNow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.retry)
	s.retry = make(chan struct{})
}

// giveUp sets a push aside in the dead-letter topic, one record for each event, as CloudEvents.
// Without tolerance the stream stops instead and the push stays uncommitted.
func (s *stream) giveUp(p *push) bool {
	if !s.declared.TolerateErrors {
		s.failed(errors.New("the retries are used up and errorsTolerance is NONE: the event stream stops"))
		s.cancel()
		return false
	}
	if s.declared.DeadLetterTopic == "" {
		s.failed(fmt.Errorf("%d events are discarded: the trigger has no deadLetterQueue", len(p.records)))
		return true
	}
	asCloudEvent := s.encoder
	asCloudEvent.rawData = false
	letters := make([]*kgo.Record, len(p.records))
	for i, r := range p.records {
		letters[i] = &kgo.Record{Topic: s.declared.DeadLetterTopic, Key: r.Key, Value: asCloudEvent.event(nil, r)}
	}
	for {
		err := s.client.ProduceSync(s.ctx, letters...).FirstErr()
		if err == nil {
			s.mu.Lock()
			s.deadLettered += int64(len(letters))
			s.mu.Unlock()
			return true
		}
		if s.ctx.Err() != nil {
			return false
		}
		s.kafkaFailed(fmt.Errorf("write %d dead letters to %s: %w", len(letters), s.declared.DeadLetterTopic, err))
		if !s.wait(time.Second) {
			return false
		}
	}
}

func (s *stream) failed(err error) {
	s.mu.Lock()
	repeated := s.lastError == err.Error()
	s.lastError = err.Error()
	s.mu.Unlock()
	if !repeated {
		s.platform.cfg.Logger.Warn("event stream", "function", s.function.manifest.Name, "error", err)
	}
}

// kafkaFailed reports the first error of an outage; those that follow show in the status only.
func (s *stream) kafkaFailed(err error) {
	err = fmt.Errorf("reach Kafka at %s: %w", strings.Join(s.platform.cfg.KafkaBrokers, ","), err)
	s.mu.Lock()
	down := s.kafkaDown
	s.kafkaDown, s.lastError = true, err.Error()
	s.mu.Unlock()
	if !down {
		s.platform.cfg.Logger.Warn("event stream", "function", s.function.manifest.Name, "error", err)
	}
}

// kafkaAnswers ends an outage.
func (s *stream) kafkaAnswers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kafkaDown {
		s.kafkaDown, s.lastError = false, ""
		s.platform.cfg.Logger.Info("event stream: Kafka answers again", "function", s.function.manifest.Name)
	}
}

func (s *stream) status() StreamStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := StreamStatus{
		Function: s.function.manifest.Name, Topic: s.declared.Topic, Group: s.declared.Group,
		InFlight: len(s.slots), Waiting: s.waiting, DeadLettered: s.deadLettered, LastError: s.lastError,
	}
	for number, p := range s.partitions {
		status.Lag += max(max(p.highWatermark, s.ends[number])-max(p.committed, 0), 0)
	}
	return status
}

func (s *stream) waitCommitted(ctx context.Context, offsets map[int]int64) error {
	for {
		s.mu.Lock()
		changed, reached := s.changed, true
		for number, want := range offsets {
			p := s.partitions[int32(number)]
			reached = reached && (want == 0 || p != nil && p.committed >= want)
		}
		s.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for the committed offsets of %s: %w", s.declared.Group, ctx.Err())
		case <-s.ctx.Done():
			return fmt.Errorf("wait for the committed offsets of %s: the event stream stopped", s.declared.Group)
		}
	}
}

// stop ends fetching and the waits for retries; pushes under way go on.
func (s *stream) stop() {
	s.mu.Lock() // no task begins once it has stopped
	defer s.mu.Unlock()
	s.cancel()
}

// leave commits what the last pushes brought and leaves the group. It comes after every push has ended,
// and has its own time: what a push has done must not come again because the pushes took long.
func (s *stream) leave() error {
	if s.client == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	err := s.commit(ctx)
	s.client.Close()
	return err
}
