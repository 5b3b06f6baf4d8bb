// Package stream is the event stream of Function Compute on one machine: a Kafka source whose records are
// pushed to a function in batches, repeated on the platform's schedules, set aside when they are given up,
// and committed once they have their verdict.
//
// It writes events from the platform's documents. The function is a call: the package knows neither
// processes nor HTTP.
package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/manifest"
)

// leaveTime bounds the last commit of a stream.
const leaveTime = 10 * time.Second

// Config says what is read and who is called.
type Config struct {
	Declared manifest.Stream
	Function string // its name, for logs and the status
	Brokers  []string
	Options  []kgo.Opt // SASL and TLS, where the brokers want them
	Account  string    // id that events carry
	// TimeScale divides the waits of retries: 60 makes a minute a second.
	TimeScale float64
	Logger    *slog.Logger
	// Invoke calls the function with the body of one push; an error has the push repeated.
	Invoke func(ctx context.Context, body []byte) error
}

// Stream is one event stream.
//
// Its tasks share the partitions. Up to the trigger's concurrency, pushes run side by side, those of one
// partition too; what is committed of a partition is the contiguous run of offsets with a verdict.
type Stream struct {
	cfg     Config
	source  *source
	offsets *offsets
	health  *health
	retries waits

	ctx          context.Context
	cancel       context.CancelFunc
	running      sync.WaitGroup
	slots        chan struct{} // one token for each push under way
	commitWanted chan struct{}
	deadLettered atomic.Int64

	mu    sync.Mutex
	tasks map[int32]*batcher // by partition modulo maximumTasks
}

// Start joins the consumer group and begins to push.
func Start(cfg Config) (*Stream, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Stream{
		cfg: cfg, ctx: ctx, cancel: cancel, offsets: newOffsets(), tasks: map[int32]*batcher{},
		health: &health{brokers: cfg.Brokers, logger: cfg.Logger.With("function", cfg.Function)},
		slots:  make(chan struct{}, max(cfg.Declared.Concurrency, 1)), commitWanted: make(chan struct{}, 1),
	}
	var err error
	if s.source, err = s.connect(); err != nil {
		cancel()
		return nil, err
	}
	s.running.Go(s.poll)
	s.running.Go(s.commitLoop)
	s.running.Go(s.survey)
	return s, nil
}

func (s *Stream) taskOf(partition int32) int32 {
	return partition % int32(max(s.cfg.Declared.MaximumTasks, 1))
}

// task returns the task that a partition was given to, nil when it was given to none.
func (s *Stream) task(partition int32) *batcher {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tasks[s.taskOf(partition)]
}

// assign gives a partition to its task, and starts the task when it is new.
func (s *Stream) assign(partition int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return // no task begins once the stream has stopped
	}
	number := s.taskOf(partition)
	t := s.tasks[number]
	if t == nil {
		t = &batcher{
			count: s.cfg.Declared.BatchCount, window: s.cfg.Declared.BatchWindow, fetcher: s.source, added: make(chan struct{}, 1),
			encoder: encoder{account: s.cfg.Account, instance: s.cfg.Declared.InstanceID, rawData: s.cfg.Declared.RawData},
		}
		s.tasks[number] = t
		s.running.Go(func() { s.run(t) })
	}
	t.assign(partition)
}

// run forms the batches of one task and pushes them.
func (s *Stream) run(t *batcher) {
	for t.ready(s.ctx) {
		select {
		case s.slots <- struct{}{}:
		case <-s.ctx.Done():
			return
		}
		records, body := t.take()
		marks := s.offsets.begin(records)
		s.running.Go(func() {
			defer func() { <-s.slots }()
			if s.deliver(records, body) {
				s.offsets.finish(marks)
				wake(s.commitWanted)
			}
		})
	}
}

// deliver pushes a batch until it has a verdict; false means that the stream closed before.
func (s *Stream) deliver(records []*kgo.Record, body []byte) bool {
	for failed := 1; ; failed++ {
		err := s.cfg.Invoke(s.ctx, body)
		if err == nil {
			return true
		}
		if s.ctx.Err() != nil {
			return false
		}
		first := records[0]
		s.health.failed(fmt.Errorf("push of %d events from %s/%d/%d: %w", len(records), first.Topic, first.Partition, first.Offset, err))
		wait, again := delay(s.cfg.Declared.Retry == manifest.BackoffRetry, failed, rand.Float64)
		if !again {
			return s.giveUp(records)
		}
		if !s.retries.wait(s.ctx, time.Duration(float64(wait)/s.cfg.TimeScale)) {
			return false
		}
	}
}

// giveUp sets a push aside in the dead-letter topic, one record for each event, as CloudEvents.
// Without tolerance the stream stops instead and the push stays uncommitted.
func (s *Stream) giveUp(records []*kgo.Record) bool {
	topic := s.cfg.Declared.DeadLetterTopic
	switch {
	case !s.cfg.Declared.TolerateErrors:
		s.health.failed(errors.New("the retries are used up and errorsTolerance is NONE: the event stream stops"))
		s.Stop()
		return false
	case topic == "":
		s.health.failed(fmt.Errorf("%d events are discarded: the trigger has no deadLetterQueue", len(records)))
		return true
	}
	asCloudEvent := encoder{account: s.cfg.Account, instance: s.cfg.Declared.InstanceID}
	letters := make([]*kgo.Record, len(records))
	for i, r := range records {
		letters[i] = &kgo.Record{Topic: topic, Key: r.Key, Value: asCloudEvent.event(nil, r)}
	}
	for {
		err := s.source.client.ProduceSync(s.ctx, letters...).FirstErr()
		if err == nil {
			s.deadLettered.Add(int64(len(letters)))
			return true
		}
		if s.ctx.Err() != nil {
			return false
		}
		s.health.kafkaFailed(fmt.Errorf("write %d dead letters to %s: %w", len(letters), topic, err))
		if !s.retries.wait(s.ctx, time.Second) {
			return false
		}
	}
}

// commitLoop commits low marks as they move, several at once while a commit is under way.
func (s *Stream) commitLoop() {
	for {
		select {
		case <-s.commitWanted:
			if err := s.commit(s.ctx); err != nil && s.ctx.Err() == nil {
				s.health.kafkaFailed(err)
				sleep(s.ctx, time.Second)
				wake(s.commitWanted)
			}
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *Stream) commit(ctx context.Context) error {
	wanted := s.offsets.wanted()
	if len(wanted) == 0 {
		return nil
	}
	if err := s.source.commit(ctx, wanted); err != nil {
		return fmt.Errorf("commit offsets of %s: %w", s.cfg.Declared.Group, err)
	}
	s.health.kafkaWorks()
	s.offsets.committed(wanted)
	return nil
}

// Status is the state of one event stream.
type Status struct {
	Function, Topic, Group string
	// Lag is the sum over the partitions of end - committed offset. It is 0 when every record has its
	// verdict: what is no record, such as a transaction mark, is committed with the records before it.
	Lag               int64
	InFlight, Waiting int   // pushes under way, and those among them that wait for a retry
	DeadLettered      int64 // events
	LastError         string
}

// Status is cheap: it asks nobody.
func (s *Stream) Status() Status {
	return Status{
		Function: s.cfg.Function, Topic: s.cfg.Declared.Topic, Group: s.cfg.Declared.Group, Lag: s.offsets.lag(),
		InFlight: len(s.slots), Waiting: s.retries.waiting(), DeadLettered: s.deadLettered.Load(), LastError: s.health.last(),
	}
}

// RetryNow ends the waits of all retries.
func (s *Stream) RetryNow() { s.retries.end() }

// WaitCommitted returns once the committed offsets have reached these.
func (s *Stream) WaitCommitted(ctx context.Context, want map[int]int64) error {
	for {
		settled, changed := s.offsets.settled(want)
		if settled {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for the committed offsets of %s: %w", s.cfg.Declared.Group, ctx.Err())
		case <-s.ctx.Done():
			return fmt.Errorf("wait for the committed offsets of %s: the event stream stopped", s.cfg.Declared.Group)
		}
	}
}

// Stop ends fetching and the waits for retries; pushes under way go on, and Wait returns after them.
func (s *Stream) Stop() {
	s.mu.Lock() // no task begins once it has stopped
	defer s.mu.Unlock()
	s.cancel()
}

// Wait returns when nothing is under way any more, after Stop.
func (s *Stream) Wait() { s.running.Wait() }

// Leave commits what the last pushes brought and leaves the group. It comes after Wait, and has its own
// time: what a push has done must not come again because the pushes took long.
func (s *Stream) Leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	err := s.commit(ctx)
	s.source.client.Close()
	return err
}
