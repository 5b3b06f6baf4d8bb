package reference

import (
	"context"
	"errors"
	"fmt"
	"time"

	"feedstream/shared/feed"
)

// ErrNoPrevious: there is nothing to roll back to.
var ErrNoPrevious = errors.New("no version was announced before the current one")

// Pin announces a version that is in the store and pins it: refreshes leave it alone, and it does not
// age. current is the manifest to follow, the zero Manifest when there is none that can be read. A
// version that is pinned already is announced anew: so a pin in a bucket that was restored reaches the
// readers who have seen a higher revision.
//
// Nothing is kept of a version but its object, so the manifest of an older one is made from that; its
// source names where this feed reads, without counts.
func (a *Announcer) Pin(ctx context.Context, current Manifest, version string) (Manifest, error) {
	body, snapshot, err := a.open(ctx, version)
	if err != nil {
		return Manifest{}, err
	}
	next := current
	if version != current.Version {
		builtAt, err := time.Parse(versionTime, version[:len(versionTime)])
		if err != nil {
			return Manifest{}, fmt.Errorf("version %s: %w", version, err)
		}
		next = Manifest{
			Version: version, Object: SnapshotKey(a.Prefix, version), Format: snapshot.format, SHA256: sha256Hex(body),
			Bytes: int64(len(body)), Entries: snapshot.Len(), BuiltAt: builtAt, Previous: current.Version,
			Source: Source{Database: current.Source.Database, Collection: current.Source.Collection},
		}
	}
	next.Revision, next.Pinned = current.Revision+1, true
	next.CheckedAt = a.Now().UTC().Truncate(time.Millisecond)
	if err := a.move(ctx, current.Revision, next); err != nil {
		return Manifest{}, err
	}
	return next, nil
}

// Restore writes the object of a manifest again from entries that have the very content; restored is
// false when they have another.
func (a *Announcer) Restore(ctx context.Context, m Manifest, entries map[string]feed.Entry) (restored bool, err error) {
	body := Encode(entries)
	if m.Format == FormatV1 {
		body = EncodeV1(entries)
	}
	if sha256Hex(body) != m.SHA256 {
		return false, nil
	}
	return true, a.keepWhole(ctx, m.Object, body)
}

// Rollback pins the version that was announced before the current one, or the one that is named. It is
// pinned because the source most likely still holds what was wrong, and the next refresh would announce
// that again. A second rollback without a name goes back to where the first one came from.
func (a *Announcer) Rollback(ctx context.Context, current Manifest, version string) (Manifest, error) {
	if version == "" {
		version = current.Previous
	}
	switch version {
	case "":
		return Manifest{}, fmt.Errorf("%w: name the version: %w", ErrNoPrevious, a.unknown(ctx, ""))
	case current.Version:
		return Manifest{}, fmt.Errorf("version %s is the current one: pin it, or name another", version)
	}
	return a.Pin(ctx, current, version)
}
