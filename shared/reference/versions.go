package reference

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Version describes one snapshot in the store.
type Version struct {
	Version string    `json:"version"`
	Object  string    `json:"object"`
	Bytes   int64     `json:"bytes"`
	Written time.Time `json:"written"`
	// State is what the manifest says of it: StateCurrent, StatePinned, StatePrevious or nothing.
	State   string `json:"state,omitempty"`
	Missing bool   `json:"missing,omitempty"` // the manifest names it and it is not there
}

// States of a version.
const (
	StateCurrent  = "current"
	StatePinned   = "pinned" // and current
	StatePrevious = "previous"
)

// UnknownVersionError: somebody asked for a version that is not in the store.
type UnknownVersionError struct {
	Asked string
	Known []Version // newest first
}

func (e *UnknownVersionError) Error() string {
	if len(e.Known) == 0 && e.Asked == "" {
		return "there is no snapshot: run `feedstream refresh`"
	}
	if len(e.Known) == 0 {
		return fmt.Sprintf("there is no snapshot %q, nor any other", e.Asked)
	}
	known := make([]string, len(e.Known))
	for i, v := range e.Known {
		known[i] = v.Version
	}
	if e.Asked == "" { // none was named
		return "there are " + strings.Join(known, ", ")
	}
	return fmt.Sprintf("there is no snapshot %q; there are %s", e.Asked, strings.Join(known, ", "))
}

// Versions lists the snapshots in the store, the newest first. What else lies beside them is left out.
func (a *Announcer) Versions(ctx context.Context) ([]Version, error) {
	stored, err := a.Objects.List(ctx, snapshotPrefix(a.Prefix))
	if err != nil {
		return nil, fmt.Errorf("list the snapshots: %w", err)
	}
	versions := []Version{}
	for _, object := range stored {
		version := strings.TrimSuffix(strings.TrimPrefix(object.Key, snapshotPrefix(a.Prefix)), snapshotSuffix)
		if ValidVersion(version) && object.Key == SnapshotKey(a.Prefix, version) {
			versions = append(versions, Version{
				Version: version, Object: object.Key, Bytes: object.Size, Written: object.LastModified,
			})
		}
	}
	sortNewestFirst(versions)
	return versions, nil
}

// History lists the versions with what the manifest says of them, the newest first. One that the manifest
// names and that is not there is listed as missing. Beside a damaged manifest, whose error wraps
// ErrDamaged, it returns the versions all the same: one of them may be pinned.
func (a *Announcer) History(ctx context.Context) ([]Version, error) {
	versions, err := a.Versions(ctx)
	if err != nil {
		return nil, err
	}
	m, found, err := a.Current(ctx)
	if err != nil || !found {
		return versions, err
	}
	named := map[string]string{m.Version: StateCurrent}
	if m.Pinned {
		named[m.Version] = StatePinned
	}
	if m.Previous != "" && m.Previous != m.Version {
		named[m.Previous] = StatePrevious
	}
	for i := range versions {
		versions[i].State = named[versions[i].Version]
		delete(named, versions[i].Version)
	}
	for version, state := range named {
		versions = append(versions, Version{
			Version: version, Object: SnapshotKey(a.Prefix, version), State: state, Missing: true,
		})
	}
	sortNewestFirst(versions)
	return versions, nil
}

// sortNewestFirst: versions begin with their time, so their order is that of age.
func sortNewestFirst(versions []Version) {
	slices.SortFunc(versions, func(x, y Version) int { return strings.Compare(y.Version, x.Version) })
}

// Open reads a version without its manifest, as far back as objects are kept. The error is an
// *UnknownVersionError when it is not there, and wraps ErrDamaged when it is cut or altered.
func (a *Announcer) Open(ctx context.Context, version string) (*Snapshot, error) {
	_, snapshot, err := a.open(ctx, version)
	return snapshot, err
}

func (a *Announcer) open(ctx context.Context, version string) (body []byte, snapshot *Snapshot, err error) {
	if !ValidVersion(version) {
		return nil, nil, a.unknown(ctx, version)
	}
	key := SnapshotKey(a.Prefix, version)
	object, err := getTwice(ctx, a.Objects, key)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil, a.unknown(ctx, version)
	case errors.Is(err, ErrCorrupt):
		return nil, nil, fmt.Errorf("read the snapshot %s: %w: %w", key, ErrDamaged, err)
	case err != nil:
		return nil, nil, fmt.Errorf("read the snapshot %s: %w", key, err)
	}
	if sha := sha256Hex(object.Body); sha[:8] != shaOf(version) {
		return nil, nil, fmt.Errorf("verify %s: %w: its sha256 begins with %s", key, ErrDamaged, sha[:8])
	}
	if snapshot, err = Decode(version, object.Body); err != nil {
		return nil, nil, fmt.Errorf("verify %s: %w: %w", key, ErrDamaged, err)
	}
	return object.Body, snapshot, nil
}

func (a *Announcer) unknown(ctx context.Context, version string) error {
	versions, err := a.Versions(ctx)
	if err != nil {
		return err
	}
	return &UnknownVersionError{Asked: version, Known: versions}
}
