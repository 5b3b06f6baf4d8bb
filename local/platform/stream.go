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

// bufferedRecords is how many records of a partition wait here before its fetching pauses: a
// partition whose pushes are being retried must not hold up the others, nor fill the memory.
const bufferedRecords = 20_000

// leaveTime bounds the last commit of a stream.
const leaveTime = 10 * time.Second

// stream is one event stream: a Kafka source whose records are pushed to a function in batches.
//
// Each partition has a task. Up to the trigger's concurrency, pushes run side by side, those of one
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
	tasks        map[int32]*task
	changed      chan struct{} // closed and replaced when a commit, an assignment or retryNow happens
	retry        chan struct{} // closed and replaced by retryNow
	commitWanted chan struct{}
	waiting      int
	deadLettered int64
	lastError    string
	kafkaDown    bool
}

// task is the state of one partition; guarded by the stream's mutex.
type task struct {
	partition     int32
	buffer        []*kgo.Record
	arrived       time.Time // of the oldest buffered record
	wake          chan struct{}
	paused        bool
	pushes        []*push // under way or done behind one that is, in order of offset
	committed     int64   // next offset, -1 when unknown
	acknowledged  int64   // what may be committed, -1 when nothing
	highWatermark int64
}

// push is one batch of a partition.
type push struct {
	records []*kgo.Record
	body    []byte
	done    bool
}

func (p *push) next() int64 { return p.records[len(p.records)-1].Offset + 1 }

func startStream(p *Platform, f *function, declared manifest.Stream) *stream {
	ctx, cancel := context.WithCancel(context.Background())
	s := &stream{
		platform: p, function: f, declared: declared, ctx: ctx, cancel: cancel,
		encoder: encoder{account: p.cfg.AccountID, instance: declared.InstanceID, rawData: declared.RawData},
		slots:   make(chan struct{}, max(declared.Concurrency, 1)),
		tasks:   map[int32]*task{}, changed: make(chan struct{}), retry: make(chan struct{}), commitWanted: make(chan struct{}, 1),
	}
	reset := kgo.NewOffset().AtStart()
	if declared.FromLatest {
		reset = kgo.NewOffset().AtEnd()
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(p.cfg.KafkaBrokers...), kgo.ConsumerGroup(declared.Group), kgo.ConsumeTopics(declared.Topic),
		kgo.ConsumeResetOffset(reset), kgo.DisableAutoCommit(), kgo.FetchMaxWait(500*time.Millisecond),
		kgo.OnPartitionsAssigned(s.assigned), kgo.OnOffsetsFetched(s.offsetsFetched), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.ProducerBatchMaxBytes(4<<20), kgo.MetadataMaxAge(10*time.Second), kgo.RetryTimeout(10*time.Second),
	)
	if err != nil {
		s.failed(fmt.Errorf("event stream on %s: %w", declared.Topic, err)) // options are constant: unreachable
		return s
	}
	s.client = client
	s.ended.Go(s.poll)
	s.ended.Go(s.commitLoop)
	return s
}

func (s *stream) assigned(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
	s.kafkaAnswers()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	for _, partition := range assigned[s.declared.Topic] {
		if s.tasks[partition] == nil {
			t := &task{partition: partition, wake: make(chan struct{}, 1), committed: -1, acknowledged: -1}
			s.tasks[partition] = t
			s.ended.Go(func() { s.run(t) })
		}
	}
	s.notify()
}

// notify wakes who waits for a change; the mutex is held.
func (s *stream) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// poll hands fetched records to the tasks until the stream closes.
func (s *stream) poll() {
	for s.ctx.Err() == nil {
		fetches := s.client.PollFetches(s.ctx)
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
			t := s.tasks[p.Partition]
			if t == nil || len(p.Records) == 0 {
				return
			}
			t.highWatermark = max(t.highWatermark, p.HighWatermark)
			if len(t.buffer) == 0 {
				t.arrived = time.Now()
			}
			t.buffer = append(t.buffer, p.Records...)
			if len(t.buffer) >= bufferedRecords && !t.paused {
				t.paused = true
				s.client.PauseFetchPartitions(map[string][]int32{s.declared.Topic: {p.Partition}})
			}
			wake(t.wake)
		})
		s.mu.Unlock()
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is awake already
	}
}

// run forms the batches of one partition and pushes them.
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
				s.verdict(t, p)
			}
		})
	}
}

// batchReady waits until a batch is due, by count or by time; false means that the stream closes.
func (s *stream) batchReady(t *task) bool {
	for {
		s.mu.Lock()
		n, arrived := len(t.buffer), t.arrived
		s.mu.Unlock()
		if n >= s.declared.BatchCount {
			return s.ctx.Err() == nil
		}
		var due <-chan time.Time
		if n > 0 {
			left := time.Until(arrived.Add(s.declared.BatchWindow))
			if left <= 0 {
				return s.ctx.Err() == nil
			}
			timer := time.NewTimer(left)
			defer timer.Stop()
			due = timer.C
		}
		select {
		case <-t.wake:
		case <-due:
		case <-s.ctx.Done():
			return false
		}
	}
}

func (s *stream) takeBatch(t *task) *push {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, taken := s.encoder.push(t.buffer[:min(len(t.buffer), s.declared.BatchCount)])
	p := &push{records: t.buffer[:taken:taken], body: body}
	t.buffer = t.buffer[taken:]
	t.arrived = time.Now()
	t.pushes = append(t.pushes, p)
	if t.paused && len(t.buffer) < bufferedRecords/2 {
		t.paused = false
		s.client.ResumeFetchPartitions(map[string][]int32{s.declared.Topic: {t.partition}})
	}
	return p
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

// verdict moves the partition's low mark over every push that is done up to the first that is not.
func (s *stream) verdict(t *task, done *push) {
	s.mu.Lock()
	defer s.mu.Unlock()
	done.done = true
	done.body = nil
	for len(t.pushes) > 0 && t.pushes[0].done {
		t.acknowledged = t.pushes[0].next()
		t.pushes = t.pushes[1:]
	}
	wake(s.commitWanted)
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
	for _, t := range s.tasks {
		status.Lag += max(t.highWatermark-max(t.committed, 0), 0)
	}
	return status
}

func (s *stream) waitCommitted(ctx context.Context, offsets map[int]int64) error {
	for {
		s.mu.Lock()
		changed, reached := s.changed, true
		for partition, want := range offsets {
			t := s.tasks[int32(partition)]
			reached = reached && (want == 0 || t != nil && t.committed >= want)
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
