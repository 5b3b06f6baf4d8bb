package doctor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"feedstream/shared/reference"
)

// Objects reads the objects of the reference.
type Objects interface {
	Get(ctx context.Context, key, ifNoneMatch string) (reference.Object, error)
}

// Snapshot checks that the manifest can be read and that the snapshot it points at is the one it
// describes: checksum, form and number of entries.
func Snapshot(ctx context.Context, endpoint string, objects Objects, prefix string, now func() time.Time) Finding {
	const check = "snapshot"
	view, err := reference.NewCache(reference.CacheConfig{
		Objects: objects, Prefix: prefix, MaxAge: 24 * time.Hour, Now: now, Logger: slog.New(slog.DiscardHandler),
	}).Current(ctx)
	switch {
	case err != nil:
		return bad(check, "correct OSS_ENDPOINT, OSS_BUCKET and the access key if OSS does not answer; else announce a snapshot:"+
			" `feedstream refresh`, or invoke feed-refresh", "%s: %v", endpoint, err)
	case view.Stale:
		return bad(check, "find out why feed-refresh does not run", "version %s was last confirmed %s ago",
			view.Manifest.Version, view.Age.Round(time.Second))
	}
	return good(check, "version %s, revision %d, %d entries, confirmed %s ago", view.Manifest.Version, view.Manifest.Revision,
		view.Snapshot.Len(), view.Age.Round(time.Second))
}

// Source reads every document of the reference collection.
type Source interface {
	Read(ctx context.Context, yield func(reference.Document) error) error
}

// Collection checks that the reference collection can be read and that its documents have the
// expected fields: those of a refresh, by the same admission.
func Collection(ctx context.Context, source Source) Finding {
	const check = "MongoDB"
	admission := reference.NewAdmission()
	err := source.Read(ctx, func(d reference.Document) error {
		admission.Add(d)
		return nil
	})
	if err != nil {
		return bad(check, "start MongoDB, or correct MONGODB_URI", "%v", err)
	}
	_, report := admission.Result()
	switch {
	case report.Read == 0:
		return bad(check, "`feedstream load-reference FILE.csv`", "the collection is empty")
	case report.Rejected > 0:
		first := errors.New("")
		if len(report.Named) > 0 {
			first = fmt.Errorf(", the first is %s (symbol %q): %s", report.Named[0].ID, report.Named[0].Symbol, report.Named[0].Reason)
		}
		return bad(check, "correct these documents, or let the refresh accept them with REFERENCE_MAX_REJECTED",
			"%d of %d documents are not admitted%v", report.Rejected, report.Read, first)
	}
	return good(check, "%d documents, all admitted", report.Read)
}
