package reference

import (
	"context"
	"errors"
	"fmt"
)

// Announced is what there is in the store, as far as it can be read.
type Announced struct {
	// Manifest is the zero Manifest when there is none, or none that can be read.
	Manifest Manifest
	// Content is what a new content is compared with: that of the manifest or, where that is damaged, of
	// the newest snapshot that is whole. It is nil when there is none.
	Content *Snapshot
	Damage  []error // what was found wrong; each wraps ErrDamaged
	Whole   bool    // the manifest's object is there and is what was announced
}

// Entries is how many entries are announced or, without a manifest, in the newest snapshot.
func (a *Announced) Entries() int {
	if a.Manifest.Version == "" && a.Content != nil {
		return a.Content.Len()
	}
	return a.Manifest.Entries
}

// Inspect reads the manifest and looks at its object. Damage is no error of it; a store that does not
// answer is.
func (a *Announcer) Inspect(ctx context.Context) (found Announced, err error) {
	found.Manifest, _, err = a.Current(ctx)
	if err := found.damaged(err); err != nil {
		return found, err
	}
	if found.Manifest.Version != "" {
		found.Content, err = ReadSnapshot(ctx, a.Objects, &found.Manifest)
		if err := found.damaged(err); err != nil {
			return found, err
		}
		found.Whole = found.Content != nil
	}
	if found.Content == nil {
		found.Content, err = a.newestWhole(ctx)
	}
	return found, err
}

// damaged keeps an error that tells of damage, and returns any other.
func (a *Announced) damaged(err error) error {
	if !errors.Is(err, ErrDamaged) {
		return err
	}
	a.Damage = append(a.Damage, err)
	return nil
}

// newestWhole returns the newest snapshot that can be read, nil when there is none.
func (a *Announcer) newestWhole(ctx context.Context) (*Snapshot, error) {
	versions, err := a.Versions(ctx)
	if err != nil {
		return nil, err
	}
	var unknown *UnknownVersionError
	for _, v := range versions {
		snapshot, err := a.Open(ctx, v.Version)
		if err == nil {
			return snapshot, nil
		}
		if !errors.Is(err, ErrDamaged) && !errors.As(err, &unknown) {
			return nil, err
		}
	}
	return nil, nil
}

// ReadSnapshot reads the object of a manifest and verifies it. The error wraps ErrDamaged when it is
// gone, cut or altered.
func ReadSnapshot(ctx context.Context, objects reader, m *Manifest) (*Snapshot, error) {
	object, err := getTwice(ctx, objects, m.Object)
	switch {
	case errors.Is(err, ErrNotFound) || errors.Is(err, ErrCorrupt):
		return nil, fmt.Errorf("read the snapshot %s: %w: %w", m.Object, ErrDamaged, err)
	case err != nil:
		return nil, fmt.Errorf("read the snapshot %s: %w", m.Object, err)
	}
	return m.Verify(object.Body)
}

// ReadManifest reads the manifest; found is false when there is none. The error wraps ErrDamaged when it
// cannot be read as one.
func ReadManifest(ctx context.Context, objects reader, prefix string) (m Manifest, found bool, err error) {
	object, err := getTwice(ctx, objects, ManifestKey(prefix))
	switch {
	case errors.Is(err, ErrNotFound):
		return Manifest{}, false, nil
	case errors.Is(err, ErrCorrupt):
		return Manifest{}, false, fmt.Errorf("read the manifest: %w: %w", ErrDamaged, err)
	case err != nil:
		return Manifest{}, false, fmt.Errorf("read the manifest: %w", err)
	}
	m, err = ParseManifest(object.Body)
	return m, err == nil, err
}

// getTwice reads an object once more when it arrived corrupt: damage on the way is gone the second time,
// damage in the store is not.
func getTwice(ctx context.Context, objects reader, key string) (Object, error) {
	object, err := objects.Get(ctx, key, "")
	if errors.Is(err, ErrCorrupt) {
		object, err = objects.Get(ctx, key, "")
	}
	return object, err
}
