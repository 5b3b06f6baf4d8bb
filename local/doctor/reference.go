package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"feedstream/shared/reference"
)

// Objects reads the objects of the reference.
type Objects interface {
	Get(ctx context.Context, key, ifNoneMatch string) (reference.Object, error)
}

// maxAge is how long ago the source may have been looked at before feed-refresh is taken to be ill.
const maxAge = 24 * time.Hour

// Snapshot checks that the manifest can be read and that the snapshot it points at is the one it
// describes: checksum, form and number of entries. A pinned version is well, and named as pinned.
func Snapshot(ctx context.Context, endpoint string, objects Objects, prefix string, now func() time.Time) Finding {
	const check = "snapshot"
	m, found, err := reference.ReadManifest(ctx, objects, prefix)
	switch {
	case errors.Is(err, reference.ErrDamaged):
		return bad(check, "`feedstream refresh`, or invoke feed-refresh: it writes a new manifest; a pin is lost with "+
			"the old one", "%s: %v", reference.ManifestKey(prefix), err)
	case err != nil:
		return bad(check, "correct OSS_ENDPOINT, OSS_BUCKET and the access key", "%s: %v", endpoint, err)
	case !found:
		return bad(check, "announce one: `feedstream refresh`, or invoke feed-refresh",
			"no snapshot was ever announced at %s", endpoint)
	}
	snapshot, err := reference.ReadSnapshot(ctx, objects, &m)
	if err != nil {
		return bad(check, damageRemedy(&m, err), "version %s, revision %d: %v", m.Version, m.Revision, err)
	}
	age := m.Age(now()).Round(time.Second)
	switch {
	case m.Pinned:
		return good(check, "version %s, revision %d, %d entries, pinned since %s: refreshes leave it alone until "+
			"`feedstream reference unpin`", m.Version, m.Revision, snapshot.Len(), m.CheckedAt.Format(time.RFC3339))
	case age > maxAge:
		return bad(check, "find out why feed-refresh does not run: `feedstream refresh` says what refuses it",
			"version %s is stale: it was last confirmed %s ago", m.Version, age)
	}
	return good(check, "version %s, revision %d, %d entries, confirmed %s ago", m.Version, m.Revision, snapshot.Len(), age)
}

func damageRemedy(m *reference.Manifest, err error) string {
	switch {
	case !errors.Is(err, reference.ErrDamaged):
		return "correct the access key: the manifest may be read and its object not"
	case m.Pinned:
		return "`feedstream refresh` writes it again if the source still holds that content; else " +
			"`feedstream reference pin VERSION` with another of `feedstream reference list`, or `feedstream reference unpin`"
	}
	return "`feedstream refresh`, or invoke feed-refresh: it writes the object again"
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
