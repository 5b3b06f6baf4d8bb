package kafka

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"feedstream/shared/feed"
)

// Producer sends messages and waits for all replicas in sync to have them. Its methods may be called
// from several goroutines; it holds nothing back between calls.
type Producer struct {
	client    *kafka.Client
	transport *kafka.Transport
	brokers   string
	buffers   sync.Pool
}

// New checks the configuration. It does not connect: brokers that are down fail the first Produce.
func New(cfg Config) (*Producer, error) {
	transport, err := cfg.transport()
	if err != nil {
		return nil, err
	}
	return &Producer{
		client:    &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: transport},
		transport: transport,
		brokers:   strings.Join(cfg.Brokers, ","),
		buffers:   sync.Pool{New: func() any { return new([]byte) }},
	}, nil
}

// Close drops the connections that are not in use.
func (p *Producer) Close() { p.transport.CloseIdleConnections() }

// Produce sends the messages, of several topics if need be, and returns nil once every one is
// acknowledged. It sets Partition and Offset of those that are.
//
// Otherwise it returns a *feed.RejectedError when brokers reject some of them for good and all others are
// acknowledged, and else a *ProduceError with a Failure for each message that is missing. Failures that
// may be passing (a connection that died while the instance was frozen, a partition whose leader
// moved) have by then been tried again, on fresh connections and metadata: at once, and twice more
// within half a second, about as long as the election of a leader takes. A message whose answer was
// lost may stand in the log twice.
//
// There is no wait for more messages: what is given goes out at once, partitions side by side, the
// batches of one partition in order. After a passing failure the rest of its partition is not sent.
func (p *Producer) Produce(ctx context.Context, messages []Message) error {
	return p.Prepare(ctx, messages)(ctx)
}

// Prepare makes batches of messages, the first of each partition, and sends nothing: the brokers are asked for
// the partitions of topics that are not known yet. What it returns sends, once, as Produce does. Until then the
// messages must stay as they are; when it is not called, nothing is to be done.
func (p *Producer) Prepare(ctx context.Context, messages []Message) (send func(context.Context) error) {
	limited, cancel := within(ctx, len(retryAfter)+1)
	defer cancel()
	first := p.part(limited, all(messages))
	for _, l := range first.lanes {
		l.made = p.encode(l.pending)
	}
	return func(ctx context.Context) error {
		missing := p.attempt(ctx, func(context.Context) parts { return first }, len(retryAfter)+1)
		for i, wait := range retryAfter {
			if len(missing.failed) == 0 || !sleep(ctx, wait) {
				break
			}
			p.transport.CloseIdleConnections()
			again := p.attempt(ctx, func(ctx context.Context) parts { return p.part(ctx, missing.work()) }, len(retryAfter)-i)
			missing = outcome{rejected: append(missing.rejected, again.rejected...), failed: again.failed}
		}
		return p.report(missing, len(messages))
	}
}

// report makes the error of what is missing in the end, nil when nothing is.
func (p *Producer) report(missing outcome, total int) error {
	slices.SortFunc(missing.rejected, func(a, b feed.SinkRejection) int { return a.Index - b.Index })
	slices.SortFunc(missing.failed, func(a, b failure) int { return a.index - b.index })
	switch {
	case len(missing.failed) > 0:
		failures := make([]Failure, len(missing.failed))
		for i, f := range missing.failed {
			failures[i] = Failure{Index: f.index, Topic: f.Topic, Partition: f.partition, Err: f.err}
		}
		return &ProduceError{Brokers: p.brokers, Total: total, Failures: failures, Rejected: missing.rejected}
	case len(missing.rejected) > 0:
		return &feed.RejectedError{Sink: "Kafka at " + p.brokers, Rejections: missing.rejected}
	}
	return nil
}

// retryAfter is how long before each attempt after the first.
var retryAfter = [...]time.Duration{0, 100 * time.Millisecond, 400 * time.Millisecond}

// sleep reports whether the context lived through it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// pending is a message that is not acknowledged, with its index in the call.
type pending struct {
	*Message
	index int
}

func all(messages []Message) []pending {
	work := make([]pending, len(messages))
	for i := range messages {
		work[i] = pending{&messages[i], i}
	}
	return work
}

// failure is a message that an attempt left pending for a cause that may pass.
type failure struct {
	pending
	partition int // -1 when it could not be found out
	err       error
}

// outcome is what an attempt did not bring into the log.
type outcome struct {
	rejected []feed.SinkRejection
	failed   []failure // those of one partition in their order
}

func (o *outcome) fail(messages []pending, partition int, err error) {
	for _, m := range messages {
		o.failed = append(o.failed, failure{m, partition, err})
	}
}

// work is what another attempt has to do.
func (o *outcome) work() []pending {
	work := make([]pending, len(o.failed))
	for i, f := range o.failed {
		work[i] = f.pending
	}
	return work
}

// within bounds an attempt by the attempt's timeout, and leaves the attempts after it their share of what the context
// allows.
func within(ctx context.Context, attemptsLeft int) (context.Context, context.CancelFunc) {
	timeout := attemptTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline)/time.Duration(attemptsLeft))
	}
	return context.WithTimeout(ctx, timeout)
}

// parts are messages by their partitions, and those whose partitions could not be found out.
type parts struct {
	lanes   []*lane
	missing outcome
}

func (p *Producer) part(ctx context.Context, work []pending) (of parts) {
	for _, topic := range byTopic(work) {
		partitions, err := p.partitions(ctx, topic[0].Topic)
		if err != nil {
			of.missing.fail(topic, -1, err)
			continue
		}
		of.lanes = append(of.lanes, split(topic, partitions)...)
	}
	return of
}

// attempt sends parts side by side.
func (p *Producer) attempt(ctx context.Context, part func(context.Context) parts, attemptsLeft int) (missing outcome) {
	ctx, cancel := within(ctx, attemptsLeft)
	defer cancel()
	of := part(ctx)
	var running sync.WaitGroup
	for i, l := range of.lanes {
		if i == len(of.lanes)-1 { // the last, often the only one, needs no goroutine of its own
			p.sendLane(ctx, l)
			break
		}
		running.Go(func() { p.sendLane(ctx, l) })
	}
	running.Wait()
	missing = of.missing
	for _, l := range of.lanes {
		missing.rejected = append(missing.rejected, l.rejected...)
		missing.failed = append(missing.failed, l.failed...)
	}
	return missing
}

// byTopic parts messages by their topics and keeps their order.
func byTopic(work []pending) (topics [][]pending) {
	at := make(map[string]int)
	last, i := "", -1 // most messages follow one of their own topic
	for _, m := range work {
		known := i >= 0 && m.Topic == last
		if !known {
			i, known = at[m.Topic]
			last = m.Topic
		}
		if !known {
			i = len(topics)
			at[m.Topic] = i
			topics = append(topics, make([]pending, 0, len(work)))
		}
		topics[i] = append(topics[i], m)
	}
	return topics
}

// partitions counts the partitions of a topic. The transport answers from what it has cached of the
// cluster.
func (p *Producer) partitions(ctx context.Context, topic string) (int, error) {
	resp, err := p.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return 0, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) == 0 && resp.Topics[0].Error == nil {
		return 0, fmt.Errorf("the brokers describe no partition of topic %q", topic)
	}
	if err := resp.Topics[0].Error; err != nil {
		return 0, err
	}
	return len(resp.Topics[0].Partitions), nil
}

// lane is what one attempt sends to one partition: what is still pending, in order, and what is missing.
type lane struct {
	topic     string
	partition int
	pending   []pending
	made      *batch // of the first of these, nil for none
	outcome
}

// batch is one record set, ready to be sent.
type batch struct {
	set    []byte
	count  int     // of its messages
	buffer *[]byte // in which the set lies
}

// encode makes a batch of as many of the messages as it holds, the first in any case.
func (p *Producer) encode(messages []pending) *batch {
	b := &batch{buffer: p.buffers.Get().(*[]byte)}
	b.set, b.count = appendBatch((*b.buffer)[:0], messages, batchBytes, time.Now())
	return b
}

// release has the memory of a batch used again.
func (p *Producer) release(b *batch) {
	*b.buffer = b.set
	p.buffers.Put(b.buffer)
}

// split parts the messages of one topic by the partitions that their keys decide.
func split(messages []pending, partitions int) (lanes []*lane) {
	numbers := make([]int, partitions)
	byPartition := make([]*lane, partitions)
	for i := range partitions {
		numbers[i] = i
		byPartition[i] = &lane{topic: messages[0].Topic, partition: i, pending: make([]pending, 0, 2*len(messages)/partitions)}
	}
	unkeyed := rand.IntN(partitions)
	var murmur2 kafka.Murmur2Balancer
	var key []byte
	for _, m := range messages {
		partition := unkeyed
		if m.Record != nil {
			key = appendKey(key[:0], m.Record)
			partition = murmur2.Balance(kafka.Message{Key: key}, numbers...)
		} else if m.Key != nil {
			partition = murmur2.Balance(kafka.Message{Key: m.Key}, numbers...)
		}
		byPartition[partition].pending = append(byPartition[partition].pending, m)
	}
	return slices.DeleteFunc(byPartition, func(l *lane) bool { return len(l.pending) == 0 })
}

// acknowledge takes the first n messages off: they lie in the log from an offset on.
func (l *lane) acknowledge(n int, offset int64) {
	for i, m := range l.pending[:n] {
		m.Partition, m.Offset = l.partition, offset+int64(i)
	}
	l.pending = l.pending[n:]
}

// reject takes the first message off: the broker rejects it for good.
func (l *lane) reject(err error) {
	reason := fmt.Sprintf("topic %s, partition %d: %v", l.topic, l.partition, err)
	l.rejected = append(l.rejected, feed.SinkRejection{Index: l.pending[0].index, Reason: reason})
	l.pending = l.pending[1:]
}

// fail takes all messages off: they may be in the log, and may get there later.
func (l *lane) fail(err error) {
	l.outcome.fail(l.pending, l.partition, err)
	l.pending = nil
}

// sendLane sends a lane in as few batches as the limit allows. A batch rejected for the sake of one of its
// messages is halved until that message stands alone.
func (p *Producer) sendLane(ctx context.Context, l *lane) {
	for most := len(l.pending); len(l.pending) > 0; {
		b := l.made
		if l.made = nil; b == nil {
			b = p.encode(l.pending[:min(most, len(l.pending))])
		}
		offset, err := p.sendBatch(ctx, l, b)
		switch {
		case err == nil:
			l.acknowledge(b.count, offset)
		case !isRejection(err):
			l.fail(err)
		case b.count > 1:
			most = b.count / 2
		default:
			l.reject(err)
			most = len(l.pending)
		}
	}
}

// sendBatch returns the offset of the batch's first message.
func (p *Producer) sendBatch(ctx context.Context, l *lane, b *batch) (offset int64, err error) {
	resp, err := p.client.RawProduce(ctx, &kafka.RawProduceRequest{
		Topic:        l.topic,
		Partition:    l.partition,
		RequiredAcks: kafka.RequireAll,
		RawRecords:   protocol.RawRecordSet{Reader: bytes.NewReader(b.set)},
	})
	if err != nil {
		return 0, err // the connection may still be reading the batch: its memory is not used again
	}
	p.release(b)
	return resp.BaseOffset, resp.Error
}
