package hbase

import (
	"context"
	"log/slog"
)

// quiet passes the reports of the client library on one level lower: it calls an error what it mends
// by itself a moment later, and a region it has found worth knowing.
type quiet struct{ slog.Handler }

func lower(level slog.Level) slog.Level { return level - (slog.LevelInfo - slog.LevelDebug) }

// Enabled answers for the level at which a report would be passed on.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return q.Handler.Enabled(ctx, lower(level))
}

// Handle passes the report on.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lower(r.Level)
	return q.Handler.Handle(ctx, r)
}

// WithAttrs keeps the levels low for a derived logger.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup keeps the levels low for a derived logger.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
