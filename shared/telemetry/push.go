package telemetry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Push is what there is to tell of one push. Members that the push did not come to are left empty.
type Push struct {
	RequestID    string
	ColdStart    bool
	Began, Ended time.Time
	Err          error // what failed it, in the last of the phases
	Phases       []Phase

	Topic  string // of the first event
	Events int
	Bytes  int
	// Traceparents are those of the records. The push is linked with them, at most with MostLinks.
	Traceparents []string
	OldestRecord time.Time // when it was produced; zero when the events do not say

	Enriched, Unmatched int
	Quarantined         map[string]int // by reason
	ReferenceAge        time.Duration  // 0 when no snapshot was taken
}

// MostLinks is how many records a push is linked with.
const MostLinks = 128

// Phase is a part of a push.
type Phase struct {
	Name         string
	Kind         Kind
	Target       string // the table or the topic of a sink
	Began, Ended time.Time
}

// Kind says what a phase talks to.
type Kind int

// The kinds.
const (
	Computing Kind = iota
	Writing        // rows to HBase
	Producing      // messages to Kafka
)

// Push tells of one push. It sends nothing: Flushing does.
func (t *Telemetry) Push(ctx context.Context, p Push) {
	if t == nil {
		return
	}
	t.trace(p)
	t.instruments.record(ctx, p)
}

// trace makes the spans of a push: one that processes the batch, and below it one a phase.
func (t *Telemetry) trace(p Push) {
	attributes := append(p.consumed(), semconv.FaaSTriggerPubSub, semconv.FaaSInvocationID(p.RequestID),
		semconv.FaaSColdstart(p.ColdStart), semconv.MessagingOperationTypeProcess, semconv.MessagingOperationName("process"),
		semconv.MessagingBatchMessageCount(p.Events), semconv.MessagingMessageBodySize(p.Bytes))
	ctx, span := t.tracer.Start(context.Background(), fmt.Sprintf("process %s", p.Topic), trace.WithNewRoot(),
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithTimestamp(p.Began), trace.WithAttributes(attributes...),
		trace.WithLinks(links(p.Traceparents)...))
	for i, phase := range p.Phases {
		kind, attributes := phase.conventions()
		_, child := t.tracer.Start(ctx, phase.Name, trace.WithSpanKind(kind), trace.WithTimestamp(phase.Began),
			trace.WithAttributes(attributes...))
		if i == len(p.Phases)-1 {
			fail(child, p.Err)
		}
		child.End(trace.WithTimestamp(phase.Ended))
	}
	fail(span, p.Err)
	span.End(trace.WithTimestamp(p.Ended))
}

func fail(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
		span.SetAttributes(errorType(err))
	}
}

// errorType is that of the innermost error: those around it say what was being done.
func errorType(err error) attribute.KeyValue {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return semconv.ErrorTypeKey.String(fmt.Sprintf("%T", err))
}

func (p *Push) consumed() []attribute.KeyValue {
	attributes := []attribute.KeyValue{semconv.MessagingSystemKafka}
	if p.Topic != "" {
		attributes = append(attributes, semconv.MessagingDestinationName(p.Topic))
	}
	return attributes
}

// conventions are the kind and the attributes of the span of a phase.
func (p *Phase) conventions() (trace.SpanKind, []attribute.KeyValue) {
	switch p.Kind {
	case Writing:
		return trace.SpanKindClient, p.written()
	case Producing:
		return trace.SpanKindProducer, append(p.sent(), semconv.MessagingOperationTypeSend)
	}
	return trace.SpanKindInternal, nil
}

func (p *Phase) written() []attribute.KeyValue {
	return []attribute.KeyValue{semconv.DBSystemNameHBase, semconv.DBOperationName("BATCH PUT"), semconv.DBCollectionName(p.Target)}
}

func (p *Phase) sent() []attribute.KeyValue {
	return []attribute.KeyValue{semconv.MessagingSystemKafka, semconv.MessagingOperationName("send"),
		semconv.MessagingDestinationName(p.Target)}
}

// links are those with the traces of records: a batch has many parents, hence none.
func links(traceparents []string) []trace.Link {
	var found []trace.Link
	for _, traceparent := range traceparents[:min(len(traceparents), MostLinks)] {
		carrier := propagation.MapCarrier{"traceparent": traceparent}
		ctx := propagation.TraceContext{}.Extract(context.Background(), carrier)
		if linked := trace.SpanContextFromContext(ctx); linked.IsValid() {
			found = append(found, trace.Link{SpanContext: linked})
		}
	}
	return found
}

// instruments are the metrics. What the conventions have no name for begins with feedstream.
type instruments struct {
	invocations, failures, coldStarts, consumed, records metric.Int64Counter
	duration, operation, send, recordAge                 metric.Float64Histogram
	referenceAge                                         metric.Float64Gauge
}

func newInstruments(m metric.Meter) (i instruments, err error) {
	counter := func(name, unit, description string) metric.Int64Counter {
		c, e := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
		err = firstOf(err, e)
		return c
	}
	seconds := func(name, description string, bounds ...float64) metric.Float64Histogram {
		h, e := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description),
			metric.WithExplicitBucketBoundaries(bounds...))
		err = firstOf(err, e)
		return h
	}
	durations := []float64{0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}
	i.invocations = counter("faas.invocations", "{invocation}", "Pushes that succeeded.")
	i.failures = counter("faas.errors", "{error}", "Pushes that failed.")
	i.coldStarts = counter("faas.coldstarts", "{coldstart}", "Pushes that were the first of their instance.")
	i.consumed = counter("messaging.client.consumed.messages", "{message}", "Records in the pushes.")
	i.records = counter("feedstream.records", "{record}", "Records by verdict, and by reason where they are set aside.")
	i.duration = seconds("faas.invoke_duration", "How long a push took.", durations...)
	i.operation = seconds("db.client.operation.duration", "How long a phase of writing rows took.", durations...)
	i.send = seconds("messaging.client.operation.duration", "How long producing the messages of a push took.", durations...)
	i.recordAge = seconds("feedstream.record.age", "How old the oldest record of a push was at its end.",
		0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 21600, 86400)
	age, e := m.Float64Gauge("feedstream.reference.age", metric.WithUnit("s"),
		metric.WithDescription("How old the snapshot was that a push was joined with."))
	i.referenceAge = age
	return i, firstOf(err, e)
}

func firstOf(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

func (i *instruments) record(ctx context.Context, p Push) {
	trigger := metric.WithAttributes(semconv.FaaSTriggerPubSub)
	i.duration.Record(ctx, p.Ended.Sub(p.Began).Seconds(), trigger)
	if p.ColdStart {
		i.coldStarts.Add(ctx, 1, trigger)
	}
	if p.Events > 0 {
		i.consumed.Add(ctx, int64(p.Events), metric.WithAttributes(append(p.consumed(), semconv.MessagingOperationName("process"))...))
	}
	if !p.OldestRecord.IsZero() {
		i.recordAge.Record(ctx, p.Ended.Sub(p.OldestRecord).Seconds())
	}
	if p.ReferenceAge > 0 {
		i.referenceAge.Record(ctx, p.ReferenceAge.Seconds())
	}
	for _, phase := range p.Phases {
		took := phase.Ended.Sub(phase.Began).Seconds()
		switch phase.Kind {
		case Writing:
			i.operation.Record(ctx, took, metric.WithAttributes(phase.written()...))
		case Producing:
			i.send.Record(ctx, took, metric.WithAttributes(phase.sent()...))
		}
	}
	if p.Err != nil {
		i.failures.Add(ctx, 1, trigger, metric.WithAttributes(errorType(p.Err)))
		return
	}
	i.invocations.Add(ctx, 1, trigger)
	verdict := attribute.Key("feedstream.verdict")
	add := func(records int, attributes ...attribute.KeyValue) {
		if records > 0 {
			i.records.Add(ctx, int64(records), metric.WithAttributes(attributes...))
		}
	}
	add(p.Enriched, verdict.String("enriched"))
	add(p.Unmatched, verdict.String("unmatched"))
	for reason, records := range p.Quarantined {
		add(records, verdict.String("quarantined"), attribute.String("feedstream.reason", reason))
	}
}
