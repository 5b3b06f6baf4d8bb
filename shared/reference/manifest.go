package reference

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"time"
)

// Manifest points at the current snapshot. It is stored as <prefix>manifest.json.
type Manifest struct {
	// Revision goes up by one with every announcement, that of an unchanged content included.
	// Readers move to a higher revision only.
	Revision  int64     `json:"revision"`
	Version   string    `json:"version"`
	Object    string    `json:"object"` // key of the snapshot
	Format    string    `json:"format"`
	SHA256    string    `json:"sha256"` // of the object, lower-case hex
	Bytes     int64     `json:"bytes"`
	Entries   int       `json:"entries"`
	BuiltAt   time.Time `json:"builtAt"`   // when this content was first read
	CheckedAt time.Time `json:"checkedAt"` // when the source was last found to hold this content
	Pinned    bool      `json:"pinned"`    // somebody chose this version; refreshes leave it alone
	Previous  string    `json:"previous"`  // version announced before this one, "" for the first
	Source    Source    `json:"source"`
}

// Source says what the content was read from.
type Source struct {
	Database   string `json:"database"`
	Collection string `json:"collection"`
	Read       int    `json:"read"`
	Rejected   int    `json:"rejected"`
}

// Age is how long ago the source was last found to hold this content. A pinned version does not age.
func (m *Manifest) Age(now time.Time) time.Duration {
	if m.Pinned {
		return 0
	}
	return max(now.Sub(m.CheckedAt), 0)
}

// ManifestKey returns the key of the manifest below a prefix such as "stock/".
func ManifestKey(prefix string) string { return prefix + "manifest.json" }

// SnapshotKey returns the key of a version's object.
func SnapshotKey(prefix, version string) string { return snapshotPrefix(prefix) + version + ".snap" }

func snapshotPrefix(prefix string) string { return prefix + "snapshots/" }

// newVersion names a content: the time it was read and the beginning of its sha256.
func newVersion(now time.Time, sha string) string {
	return now.UTC().Format("20060102T150405Z") + "-" + sha[:8]
}

var versionForm = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$`)

func sha256Hex(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// ParseManifest reads and checks a manifest.
func ParseManifest(body []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return Manifest{}, fmt.Errorf("read the manifest: %w", err)
	}
	switch {
	case m.Revision < 1:
		return Manifest{}, fmt.Errorf("read the manifest: revision %d is not positive", m.Revision)
	case !versionForm.MatchString(m.Version):
		return Manifest{}, fmt.Errorf("read the manifest: version %q has not the form yyyymmddThhmmssZ-xxxxxxxx", m.Version)
	case m.Format != Format:
		return Manifest{}, fmt.Errorf("read the manifest: format %q is unknown, this function reads %s", m.Format, Format)
	case len(m.SHA256) != 2*sha256.Size || m.SHA256[:8] != m.Version[len(m.Version)-8:]:
		return Manifest{}, fmt.Errorf("read the manifest: sha256 %q does not belong to version %s", m.SHA256, m.Version)
	case m.Object == "" || m.Bytes <= 0 || m.Entries < 0 || m.CheckedAt.IsZero():
		return Manifest{}, fmt.Errorf("read the manifest: object, bytes, entries and checkedAt are required")
	}
	return m, nil
}

// Verify decodes a snapshot's object and checks that it is the one the manifest describes.
func (m *Manifest) Verify(body []byte) (*Snapshot, error) {
	if int64(len(body)) != m.Bytes {
		return nil, fmt.Errorf("verify %s: %d bytes instead of %d", m.Object, len(body), m.Bytes)
	}
	if sha := sha256Hex(body); sha != m.SHA256 {
		return nil, fmt.Errorf("verify %s: sha256 %s instead of %s", m.Object, sha, m.SHA256)
	}
	snapshot, err := Decode(m.Version, body)
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", m.Object, err)
	}
	if snapshot.Len() != m.Entries {
		return nil, fmt.Errorf("verify %s: %d entries instead of %d", m.Object, snapshot.Len(), m.Entries)
	}
	return snapshot, nil
}
