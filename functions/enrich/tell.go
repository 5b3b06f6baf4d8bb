package main

import (
	"context"
	"log/slog"
	"time"

	"feedstream/shared/fc"
	"feedstream/shared/telemetry"
)

// tellAs says on whose behalf telemetry is sent.
func tellAs(cfg *Config, environ []string, logger *slog.Logger) telemetry.Config {
	instance := fc.InstanceOf(environ)
	return telemetry.Config{
		Endpoint: cfg.Telemetry.Endpoint, Function: instance.Function, Version: instance.Version, Instance: instance.ID,
		Region: instance.Region, Account: instance.Account, MemoryMB: cfg.Server.MemoryMB, Now: time.Now, Logger: logger,
	}
}

// told is the line as telemetry has it.
func (l *line) told(ctx context.Context, e *Enricher, ended time.Time, err error) telemetry.Push {
	s := &l.summary
	p := telemetry.Push{
		RequestID: fc.RequestID(ctx), ColdStart: fc.ColdStart(ctx), Began: l.began, Ended: ended, Err: err,
		Events: len(l.deliveries), Bytes: l.bytes, Enriched: s.Enriched, Unmatched: s.Unmatched,
		Quarantined: map[string]int{}, Phases: make([]telemetry.Phase, len(l.steps)),
	}
	if len(l.deliveries) > 0 {
		p.Topic = l.deliveries[0].Origin.Topic
		if oldest, newest := ages(l.deliveries); newest != 0 {
			p.OldestRecord = time.UnixMilli(oldest)
		}
	}
	if l.snapshot != nil {
		p.ReferenceAge = l.snapshot.Age
	}
	for _, r := range l.reasons {
		p.Quarantined[r.Reason] = r.Count
	}
	for i, s := range l.steps {
		p.Phases[i] = telemetry.Phase{Name: s.phase.String(), Began: s.began, Ended: l.until(i, ended)}
		switch s.phase {
		case dataRows:
			p.Phases[i].Kind, p.Phases[i].Target = telemetry.Writing, l.layout.Table
		case indexRows:
			p.Phases[i].Kind, p.Phases[i].Target = telemetry.Writing, l.layout.Index
		case produce:
			p.Phases[i].Kind, p.Phases[i].Target = telemetry.Producing, e.OutputTopic
		}
	}
	p.Traceparents = l.traces()
	return p
}

// traces are the first traces that the records belong to, each once.
func (l *line) traces() (found []string) {
	seen := map[string]bool{}
	for i := range l.deliveries {
		trace := l.deliveries[i].Traceparent
		if trace == "" || seen[trace] {
			continue
		}
		seen[trace] = true
		if found = append(found, trace); len(found) == telemetry.MostLinks {
			break
		}
	}
	return found
}
