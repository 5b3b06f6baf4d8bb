package reference

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// Current returns the manifest; found is false when none was ever announced.
func (a *Announcer) Current(ctx context.Context) (m Manifest, found bool, err error) {
	object, err := a.Objects.Get(ctx, ManifestKey(a.Prefix), "")
	if errors.Is(err, ErrNotFound) {
		return Manifest{}, false, nil
	}
	if err != nil {
		return Manifest{}, false, fmt.Errorf("read the manifest: %w", err)
	}
	m, err = ParseManifest(object.Body)
	return m, err == nil, err
}

// Announce makes entries the current snapshot after current, which Current returned (the zero
// Manifest when there was none): the object first, the manifest last. An unchanged content keeps its
// version and object and renews CheckedAt. It returns the manifest now announced.
//
// Every step may fail after it was applied; repeating the announcement converges.
func (a *Announcer) Announce(ctx context.Context, current Manifest, entries map[string]feed.Entry,
	source Source) (Manifest, error) {
	body := Encode(entries)
	sha, now := sha256Hex(body), a.Now().UTC().Truncate(time.Millisecond)
	next := current
	if sha != current.SHA256 {
		version := newVersion(now, sha)
		next = Manifest{
			Version: version, Object: SnapshotKey(a.Prefix, version), Format: Format, SHA256: sha,
			Bytes: int64(len(body)), Entries: len(entries), BuiltAt: now, Previous: current.Version,
		}
		if err := a.putSnapshot(ctx, next.Object, body); err != nil {
			return Manifest{}, err
		}
	}
	next.Revision, next.CheckedAt, next.Source = current.Revision+1, now, source
	if err := a.move(ctx, current.Revision, next); err != nil {
		return Manifest{}, err
	}
	return next, nil
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
	if err != nil {
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

// Clean deletes the oldest snapshots beyond the newest 20, never the current or the previous one.
// It returns how many it deleted. A failure leaves the rest for the next time.
func (a *Announcer) Clean(ctx context.Context, m Manifest) (deleted int, err error) {
	stored, err := a.Objects.List(ctx, snapshotPrefix(a.Prefix))
	if err != nil {
		return 0, fmt.Errorf("list the snapshots: %w", err)
	}
	// Versions begin with their time, so the order of the keys is the order of age.
	slices.SortFunc(stored, func(x, y ObjectInfo) int { return bytes.Compare([]byte(y.Key), []byte(x.Key)) })
	if len(stored) <= keptObjects {
		return 0, nil
	}
	for _, object := range stored[keptObjects:] {
		if object.Key == m.Object || object.Key == SnapshotKey(a.Prefix, m.Previous) {
			continue
		}
		if err := a.Objects.Delete(ctx, object.Key); err != nil {
			return deleted, fmt.Errorf("delete the old snapshot %s: %w", object.Key, err)
		}
		deleted++
	}
	return deleted, nil
}
