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
// Otherwise it returns a *ProduceError with a Failure for each message that is not. Failures that
// may be passing (a connection that died while the instance was frozen, a partition whose leader
// moved) have by then been tried again, on fresh connections and metadata: at once, and twice more
// within half a second, about as long as the election of a leader takes. A message whose answer was
// lost may stand in the log twice.
//
// There is no wait for more messages: what is given goes out at once, partitions side by side, the
// batches of one partition in order. After a passing failure the rest of its partition is not sent.
func (p *Producer) Produce(ctx context.Context, messages []Message) error {
	work := make([]int, len(messages))
	for i := range work {
		work[i] = i
	}
	failures := p.attempt(ctx, messages, work, len(retryAfter)+1)
	for i, wait := range retryAfter {
		again := passing(failures)
		if len(again) == 0 || !sleep(ctx, wait) {
			break
		}
		p.transport.CloseIdleConnections()
		failures = append(refusals(failures), p.attempt(ctx, messages, again, len(retryAfter)-i)...)
	}
	if len(failures) == 0 {
		return nil
	}
	slices.SortFunc(failures, func(a, b Failure) int { return a.Index - b.Index })
	return &ProduceError{Brokers: p.brokers, Total: len(messages), Failures: failures}
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

// lane is what one attempt has for one partition: indexes of messages, in order.
type lane struct {
	topic     string
	partition int
	messages  []int
}

func (l lane) fail(indexes []int, err error, refused bool) []Failure {
	failures := make([]Failure, len(indexes))
	for i, index := range indexes {
		failures[i] = Failure{Index: index, Topic: l.topic, Partition: l.partition, Err: err, Refused: refused}
	}
	return failures
}

// attempt sends the messages that work names. It takes at most the attempt's timeout, and leaves the
// attempts after it their share of what the context allows.
func (p *Producer) attempt(ctx context.Context, messages []Message, work []int, attemptsLeft int) []Failure {
	timeout := attemptTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline)/time.Duration(attemptsLeft))
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	lanes, failures := p.route(ctx, messages, work)
	if len(lanes) == 1 {
		return append(failures, p.send(ctx, messages, lanes[0])...)
	}
	sent := make([][]Failure, len(lanes))
	var running sync.WaitGroup
	for i, l := range lanes {
		running.Go(func() { sent[i] = p.send(ctx, messages, l) })
	}
	running.Wait()
	return append(failures, slices.Concat(sent...)...)
}

// route finds the partition of each message.
func (p *Producer) route(ctx context.Context, messages []Message, work []int) ([]lane, []Failure) {
	if len(work) == 0 {
		return nil, nil
	}
	var topics []string
	for _, i := range work {
		if !slices.Contains(topics, messages[i].Topic) {
			topics = append(topics, messages[i].Topic)
		}
	}
	var lanes []lane
	var failures []Failure
	for _, topic := range topics {
		mine := work
		if len(topics) > 1 {
			mine = make([]int, 0, len(work))
			for _, i := range work {
				if messages[i].Topic == topic {
					mine = append(mine, i)
				}
			}
		}
		partitions, err := p.partitions(ctx, topic)
		if err != nil {
			failures = append(failures, lane{topic: topic, partition: -1}.fail(mine, err, false)...)
			continue
		}
		lanes = append(lanes, split(messages, mine, topic, partitions)...)
	}
	return lanes, failures
}

// partitions returns the partition numbers of a topic, 0 and up. The transport answers from what it
// has cached of the cluster.
func (p *Producer) partitions(ctx context.Context, topic string) ([]int, error) {
	resp, err := p.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) == 0 && resp.Topics[0].Error == nil {
		return nil, fmt.Errorf("the brokers describe no partition of topic %q", topic)
	}
	if err := resp.Topics[0].Error; err != nil {
		return nil, err
	}
	numbers := make([]int, len(resp.Topics[0].Partitions))
	for i := range numbers {
		numbers[i] = i
	}
	return numbers, nil
}

func split(messages []Message, work []int, topic string, partitions []int) []lane {
	byPartition := make([][]int, len(partitions))
	unkeyed := rand.IntN(len(partitions))
	var murmur2 kafka.Murmur2Balancer
	for _, i := range work {
		partition := unkeyed
		if key := messages[i].Key; key != nil {
			partition = murmur2.Balance(kafka.Message{Key: key}, partitions...)
		}
		byPartition[partition] = append(byPartition[partition], i)
	}
	var lanes []lane
	for partition, indexes := range byPartition {
		if len(indexes) > 0 {
			lanes = append(lanes, lane{topic: topic, partition: partition, messages: indexes})
		}
	}
	return lanes
}

// send sends a lane in as few batches as the limit allows. A batch refused for the sake of one of its
// messages is halved until that message stands alone.
func (p *Producer) send(ctx context.Context, messages []Message, l lane) (failures []Failure) {
	rest, most := l.messages, len(l.messages)
	for len(rest) > 0 {
		n, err := p.sendBatch(ctx, messages, l, rest[:min(most, len(rest))])
		switch {
		case err == nil:
			rest = rest[n:]
		case !refusal(err):
			return append(failures, l.fail(rest, err, false)...)
		case n > 1:
			most = n / 2
		default:
			failures = append(failures, l.fail(rest[:1], err, true)...)
			rest, most = rest[1:], len(l.messages)
		}
	}
	return failures
}

// sendBatch sends as many of the messages, at least one, as one batch holds, and returns how many.
func (p *Producer) sendBatch(ctx context.Context, messages []Message, l lane, indexes []int) (int, error) {
	buffer := p.buffers.Get().(*[]byte)
	set, n := appendBatch((*buffer)[:0], messages, indexes, batchBytes, time.Now())
	resp, err := p.client.RawProduce(ctx, &kafka.RawProduceRequest{
		Topic:        l.topic,
		Partition:    l.partition,
		RequiredAcks: kafka.RequireAll,
		RawRecords:   protocol.RawRecordSet{Reader: bytes.NewReader(set)},
	})
	if err != nil {
		return n, err // the connection may still be reading the buffer: it is not used again
	}
	*buffer = set
	p.buffers.Put(buffer)
	if resp.Error != nil {
		return n, resp.Error
	}
	for i, index := range indexes[:n] {
		messages[index].Partition, messages[index].Offset = l.partition, resp.BaseOffset+int64(i)
	}
	return n, nil
}
