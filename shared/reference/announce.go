package reference

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"feedstream/shared/feed"
)

// ErrMoved: somebody else announced between the two reads of the manifest. Nothing was announced.
var ErrMoved = errors.New("the manifest was announced by somebody else in the meantime")

// keptObjects is how many snapshots stay in the store.
const keptObjects = 20

// Announcer writes snapshots and moves the manifest. Object stores of this kind have no
// compare-and-swap, so at most one announcer may run at a time; the second read of the manifest
// only catches what configuration should have prevented.
type Announcer struct {
	Objects store
	Prefix  string
	Now     func() time.Time
}

// Current returns the manifest; found is false when none was ever announced. The error wraps ErrDamaged
// when there is one that cannot be read.
func (a *Announcer) Current(ctx context.Context) (m Manifest, found bool, err error) {
	return ReadManifest(ctx, a.Objects, a.Prefix)
}

// Announce makes entries the current snapshot after current, which Current returned (the zero
// Manifest when there was none): the object first, the manifest last. An unchanged content keeps its
// version and object and renews CheckedAt; its object is looked at all the same, and written again when
// it is not whole. It returns the manifest now announced. A manifest that cannot be read is written over
// when current is zero: revisions begin anew then, and readers take it for its later CheckedAt.
//
// Every step may fail after it was applied; repeating the announcement converges.
func (a *Announcer) Announce(ctx context.Context, current Manifest, entries map[string]feed.Entry,
	source Source) (Manifest, error) {
	body := Encode(entries)
	sha, now := sha256Hex(body), a.Now().UTC().Truncate(time.Millisecond)
	next := current
	if sha == current.SHA256 {
		if err := a.keepWhole(ctx, next.Object, body); err != nil {
			return Manifest{}, err
		}
	} else {
		version := newVersion(now, sha)
		next = Manifest{
			Version: version, Object: SnapshotKey(a.Prefix, version), Format: Format, SHA256: sha,
			Bytes: int64(len(body)), Entries: len(entries), BuiltAt: now, Previous: current.Version,
		}
		if err := a.putSnapshot(ctx, next.Object, body); err != nil {
			return Manifest{}, err
		}
	}
	next.Revision, next.CheckedAt, next.Source, next.Pinned = current.Revision+1, now, source, false
	if err := a.move(ctx, current.Revision, next); err != nil {
		return Manifest{}, err
	}
	return next, nil
}

// keepWhole writes a snapshot's object again unless it is there with these bytes.
func (a *Announcer) keepWhole(ctx context.Context, key string, body []byte) error {
	object, err := getTwice(ctx, a.Objects, key)
	switch {
	case err == nil && bytes.Equal(object.Body, body):
		return nil
	case err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrCorrupt):
		return fmt.Errorf("look at the snapshot %s: %w", key, err)
	}
	if err := a.Objects.Put(ctx, key, body, true); err != nil {
		return fmt.Errorf("write the snapshot %s again: %w", key, err)
	}
	return nil
}

// putSnapshot writes an object that must never change. One that is there already is left by an
// earlier attempt of the same second; it is fine when it has the same bytes.
func (a *Announcer) putSnapshot(ctx context.Context, key string, body []byte) error {
	err := a.Objects.Put(ctx, key, body, false)
	if errors.Is(err, ErrExists) {
		var existing Object
		if existing, err = a.Objects.Get(ctx, key, ""); err == nil && !bytes.Equal(existing.Body, body) {
			err = errors.New("an object with other content has that name")
		}
	}
	if err != nil {
		return fmt.Errorf("write the snapshot %s: %w", key, err)
	}
	return nil
}

// move writes the manifest unless its revision is no longer the expected one.
func (a *Announcer) move(ctx context.Context, expected int64, next Manifest) error {
	again, _, err := a.Current(ctx)
	if err != nil && !(expected == 0 && errors.Is(err, ErrDamaged)) {
		return fmt.Errorf("before announcing revision %d: %w", next.Revision, err)
	}
	if again.Revision != expected {
		return fmt.Errorf("announce revision %d: found %d instead of %d: %w",
			next.Revision, again.Revision, expected, ErrMoved)
	}
	body, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the manifest: %w", err)
	}
	if err := a.Objects.Put(ctx, ManifestKey(a.Prefix), body, true); err != nil {
		return fmt.Errorf("announce revision %d: %w", next.Revision, err)
	}
	return nil
}

// Clean deletes the oldest snapshots beyond the newest 20, never the current one, pinned or not, nor the previous.
// It returns how many it deleted. A failure leaves the rest for the next time.
func (a *Announcer) Clean(ctx context.Context, m Manifest) (deleted int, err error) {
	versions, err := a.Versions(ctx)
	if err != nil {
		return 0, err
	}
	if len(versions) <= keptObjects {
		return 0, nil
	}
	for _, v := range versions[keptObjects:] {
		if v.Version == m.Version || v.Version == m.Previous {
			continue
		}
		if err := a.Objects.Delete(ctx, v.Object); err != nil {
			return deleted, fmt.Errorf("delete the old snapshot %s: %w", v.Object, err)
		}
		deleted++
	}
	return deleted, nil
}
