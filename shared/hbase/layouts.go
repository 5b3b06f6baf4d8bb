package hbase

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"feedstream/shared/phoenix"
)

// catalog reads SYSTEM.CATALOG for a table and its index.
type catalog interface {
	// Catalog returns every row that describes the two.
	Catalog(ctx context.Context, table, index string) ([]phoenix.Stored, error)
	// Fingerprint is that of their two header rows alone: it moves when somebody runs DDL.
	Fingerprint(ctx context.Context, table, index string) (string, error)
}

// LayoutInterval is how long a checked layout is believed before its header rows are re-read.
const LayoutInterval = time.Minute

// Layouts knows how a table and its index are stored. It reads the catalog once, before the first
// use, and then only the two header rows, at most once a minute: when they moved somebody ran DDL,
// and the whole layout is checked again before it is used.
type Layouts struct {
	Catalog      catalog
	Table, Index string
	Now          func() time.Time
	Logger       *slog.Logger

	mu        sync.Mutex
	layout    *phoenix.Layout
	checkedAt time.Time
}

// Layout returns the checked layout. Callers that ask while it is being re-read wait for the answer.
// The error is that of HBase, or names every difference from what can be written and its remedy.
func (l *Layouts) Layout(ctx context.Context) (*phoenix.Layout, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.layout != nil && l.Now().Sub(l.checkedAt) < LayoutInterval {
		return l.layout, nil
	}
	if l.layout != nil {
		fingerprint, err := l.Catalog.Fingerprint(ctx, l.Table, l.Index)
		if err != nil {
			return nil, err
		}
		if fingerprint == l.layout.Fingerprint {
			l.checkedAt = l.Now()
			return l.layout, nil
		}
		l.layout = nil
	}
	return l.check(ctx)
}

func (l *Layouts) check(ctx context.Context) (*phoenix.Layout, error) {
	rows, err := l.Catalog.Catalog(ctx, l.Table, l.Index)
	if err != nil {
		return nil, err
	}
	layout, warnings, err := phoenix.Preflight(l.Table, l.Index, rows)
	for _, warning := range warnings {
		l.Logger.WarnContext(ctx, "table layout", "warning", warning)
	}
	if err != nil {
		return nil, err
	}
	l.layout, l.checkedAt = &layout, l.Now()
	return l.layout, nil
}
