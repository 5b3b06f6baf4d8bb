// Package telemetry tells a collector of traces and metrics, by OTLP over HTTP, what became of the pushes of
// an event stream. It follows OpenTelemetry's conventions for functions, messaging and databases, in the
// version of the semconv package it imports; those for functions and messaging are still in development.
//
// It is off unless OTEL_EXPORTER_OTLP_ENDPOINT is set, and then nothing of it is built: New returns nil, and
// the methods of a nil *Telemetry do nothing.
//
// Nothing runs outside of a request, for the instance may be frozen then: there is no timer and no goroutine.
// What was told is kept until the last of the pushes that run side by side ends, and leaves before its answer.
package telemetry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

const (
	defaultFlushTime = 500 * time.Millisecond
	// flushEvery is how long pushes that overlap without end keep what they tell.
	flushEvery = 5 * time.Second
	// pause is how long a collector that took nothing is left alone: each attempt delays an answer.
	pause = 30 * time.Second
)

// Config says on whose behalf telemetry is sent. Where to and how is in the environment: the SDK reads
// OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES and
// the rest of its standard variables, but for those of the connection: certificates are checked against the
// system's roots, and the time is FlushTime.
type Config struct {
	Endpoint string // OTEL_EXPORTER_OTLP_ENDPOINT; "" switches everything off

	Function, Version, Instance string
	Region, Account             string
	MemoryMB                    int

	// FlushTime bounds what a flush may take of a push: a collector that is slower gets nothing. 0 means 500 ms.
	FlushTime time.Duration
	Now       func() time.Time
	Logger    *slog.Logger
}

// Telemetry gathers and sends. Nil is telemetry that is switched off.
type Telemetry struct {
	now       func() time.Time
	logger    *slog.Logger
	flushTime time.Duration

	spans       *buffer
	traces      *sdktrace.TracerProvider
	tracer      trace.Tracer
	reader      *metric.ManualReader
	metrics     *otlpmetrichttp.Exporter
	instruments instruments

	mu        sync.Mutex
	inFlight  int
	flushed   time.Time
	notBefore time.Time
}

// New returns nil without an endpoint. It connects to nothing yet; an error means that a variable of the SDK
// is wrong.
func New(ctx context.Context, cfg Config) (*Telemetry, error) {
	if cfg.Endpoint == "" {
		return nil, nil
	}
	client := newClient()
	spans, err := otlptracehttp.New(ctx, otlptracehttp.WithHTTPClient(client))
	if err != nil {
		return nil, fmt.Errorf("send traces to OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	// Instances come and go, each with sums of its own: only differences can be added up.
	metrics, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithHTTPClient(client), otlpmetrichttp.WithTemporalitySelector(delta))
	if err != nil {
		return nil, fmt.Errorf("send metrics to OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	source, err := cfg.resource(ctx)
	if err != nil {
		return nil, err
	}
	t := &Telemetry{
		now: cfg.Now, logger: cfg.Logger, flushTime: cmp.Or(cfg.FlushTime, defaultFlushTime), spans: &buffer{exporter: spans}, metrics: metrics, flushed: cfg.Now(),
		reader: metric.NewManualReader(metric.WithTemporalitySelector(delta)),
	}
	const scope = "feedstream"
	t.traces = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(t.spans), sdktrace.WithResource(source))
	t.tracer = t.traces.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))
	meters := metric.NewMeterProvider(metric.WithReader(t.reader), metric.WithResource(source))
	if t.instruments, err = newInstruments(meters.Meter(scope)); err != nil {
		return nil, err
	}
	return t, nil
}

func delta(metric.InstrumentKind) metricdata.Temporality { return metricdata.DeltaTemporality }

func (c *Config) resource(ctx context.Context) (*resource.Resource, error) {
	source, err := resource.New(ctx, resource.WithSchemaURL(semconv.SchemaURL), resource.WithAttributes(
		semconv.ServiceName(c.Function), semconv.CloudProviderAlibabaCloud, semconv.CloudPlatformAlibabaCloudFC,
		semconv.CloudRegion(c.Region), semconv.CloudAccountID(c.Account),
		semconv.FaaSName(c.Function), semconv.FaaSVersion(c.Version), semconv.FaaSInstance(c.Instance),
		semconv.FaaSMaxMemory(c.MemoryMB<<20),
	), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return source, nil
}

// Flushing is invoke, with what was told in it sent before it returns: by the last of the calls that run at
// the same time, and every five seconds if there is none. Whatever becomes of the sending, the outcome is
// that of invoke.
func (t *Telemetry) Flushing(invoke func(context.Context, []byte) ([]byte, error)) func(context.Context, []byte) ([]byte, error) {
	if t == nil {
		return invoke
	}
	return func(ctx context.Context, event []byte) ([]byte, error) {
		t.mu.Lock()
		t.inFlight++
		t.mu.Unlock()
		defer t.leave(ctx)
		return invoke(ctx, event)
	}
}

func (t *Telemetry) leave(ctx context.Context) {
	now := t.now()
	t.mu.Lock()
	t.inFlight--
	due := (t.inFlight == 0 || now.Sub(t.flushed) >= flushEvery) && !now.Before(t.notBefore)
	if due {
		t.flushed = now
	}
	t.mu.Unlock()
	if !due {
		return
	}
	if err := t.flush(ctx); err != nil {
		t.mu.Lock()
		t.notBefore = now.Add(pause)
		t.mu.Unlock()
		t.logger.WarnContext(ctx, "the collector of traces and metrics took nothing, and is left alone for a while",
			"error", err, "pause", pause)
	}
}

// flush sends what was told, spans and metrics side by side. What cannot be sent is lost. The push may have
// used up its time: the flush has its own.
func (t *Telemetry) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.flushTime)
	defer cancel()
	var traceErr error
	var traces sync.WaitGroup
	traces.Go(func() { traceErr = t.spans.ForceFlush(ctx) })
	var collected metricdata.ResourceMetrics
	err := t.reader.Collect(ctx, &collected)
	if err == nil && len(collected.ScopeMetrics) > 0 {
		err = t.metrics.Export(ctx, &collected)
	}
	traces.Wait()
	return errors.Join(traceErr, err)
}

// buffer keeps the spans that ended until they are flushed: the SDK's own processors send each by itself, or
// by a timer that stands still while the instance is frozen.
type buffer struct {
	exporter sdktrace.SpanExporter

	mu    sync.Mutex
	spans []sdktrace.ReadOnlySpan
}

// mostSpans bounds what is kept for a collector that takes nothing; younger spans are dropped.
const mostSpans = 4096

func (b *buffer) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

func (b *buffer) OnEnd(span sdktrace.ReadOnlySpan) {
	if !span.SpanContext().IsSampled() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.spans) < mostSpans {
		b.spans = append(b.spans, span)
	}
}

func (b *buffer) ForceFlush(ctx context.Context) error {
	b.mu.Lock()
	spans := b.spans
	b.spans = nil
	b.mu.Unlock()
	if len(spans) == 0 {
		return nil
	}
	return b.exporter.ExportSpans(ctx, spans)
}

func (b *buffer) Shutdown(ctx context.Context) error { return b.exporter.Shutdown(ctx) }
