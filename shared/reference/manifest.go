package reference

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Manifest points at the current snapshot. It is stored as <prefix>manifest.json.
type Manifest struct {
	// Revision goes up by one with every announcement, that of an unchanged content included. It begins
	// at 1 again where no manifest can be read: in an emptied bucket, or after a damaged manifest.
	Revision  int64     `json:"revision"`
	Version   string    `json:"version"`
	Object    string    `json:"object"` // key of the snapshot
	Format    string    `json:"format"`
	SHA256    string    `json:"sha256"` // of the object, lower-case hex
	Bytes     int64     `json:"bytes"`
	Entries   int       `json:"entries"`
	BuiltAt   time.Time `json:"builtAt"`   // when this content was first read
	CheckedAt time.Time `json:"checkedAt"` // when the source was last found to hold this content, or when it was pinned
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

// follows reports whether readers who have the manifest current move on to m: to a higher revision, or
// to one announced later in a bucket that was emptied or restored, where revisions began anew.
func (m *Manifest) follows(current *Manifest) bool {
	return m.Revision > current.Revision || m.CheckedAt.After(current.CheckedAt)
}

// ManifestKey returns the key of the manifest below a prefix such as "stock/".
func ManifestKey(prefix string) string { return prefix + "manifest.json" }

// SnapshotKey returns the key of a version's object.
func SnapshotKey(prefix, version string) string {
	return snapshotPrefix(prefix) + version + snapshotSuffix
}

const snapshotSuffix = ".snap"

func snapshotPrefix(prefix string) string { return prefix + "snapshots/" }

const versionTime = "20060102T150405Z"

// newVersion names a content: the time it was read and the beginning of its sha256.
func newVersion(now time.Time, sha string) string {
	return now.UTC().Format(versionTime) + "-" + sha[:8]
}

// maxRevision is the largest integer that every reader of JSON has exactly; beyond it no announcement
// leads, so it is damage.
const maxRevision = 1<<53 - 1

// ErrDamaged: what the store holds is not what was announced; it is gone, cut or altered.
var ErrDamaged = errors.New("damaged")

var versionForm = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$`)

// ValidVersion reports whether text has the form of a version.
func ValidVersion(text string) bool { return versionForm.MatchString(text) }

// shaOf returns the first 8 hex digits of the content's sha256, with which a version ends.
func shaOf(version string) string { return version[len(version)-8:] }

func sha256Hex(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// ParseManifest reads and checks a manifest. What is no manifest wraps ErrDamaged; one of another format
// does not: another release wrote it, which is nothing to write over.
func ParseManifest(body []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return Manifest{}, fmt.Errorf("read the manifest: %w: %w", ErrDamaged, err)
	}
	if m.Format != Format && m.Format != FormatV1 && m.Format != "" {
		return Manifest{}, fmt.Errorf("read the manifest: format %q is unknown, this function reads %s and %s",
			m.Format, Format, FormatV1)
	}
	if problem := m.problem(); problem != "" {
		return Manifest{}, fmt.Errorf("read the manifest: %w: %s", ErrDamaged, problem)
	}
	return m, nil
}

func (m *Manifest) problem() string {
	switch {
	case m.Revision < 1 || m.Revision > maxRevision:
		return fmt.Sprintf("revision %d is not between 1 and %d", m.Revision, int64(maxRevision))
	case !ValidVersion(m.Version):
		return fmt.Sprintf("version %q has not the form yyyymmddThhmmssZ-xxxxxxxx", m.Version)
	case m.Format == "":
		return "format is required"
	case len(m.SHA256) != 2*sha256.Size || m.SHA256[:8] != shaOf(m.Version):
		return fmt.Sprintf("sha256 %q does not belong to version %s", m.SHA256, m.Version)
	case m.Object == "" || m.Bytes <= 0 || m.Entries < 0 || m.CheckedAt.IsZero():
		return "object, bytes, entries and checkedAt are required"
	}
	return ""
}

// Verify decodes a snapshot's object and checks that it is the one the manifest describes. As with Decode,
// the snapshot uses the body as it lies.
func (m *Manifest) Verify(body []byte) (*Snapshot, error) {
	if int64(len(body)) != m.Bytes {
		return nil, fmt.Errorf("verify %s: %w: %d bytes instead of %d", m.Object, ErrDamaged, len(body), m.Bytes)
	}
	if sha := sha256Hex(body); sha != m.SHA256 {
		return nil, fmt.Errorf("verify %s: %w: sha256 %s instead of %s", m.Object, ErrDamaged, sha, m.SHA256)
	}
	snapshot, err := Decode(m.Version, body)
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w: %w", m.Object, ErrDamaged, err)
	}
	if snapshot.format != m.Format {
		return nil, fmt.Errorf("verify %s: %w: the format is %s instead of %s", m.Object, ErrDamaged, snapshot.format, m.Format)
	}
	if snapshot.Len() != m.Entries {
		return nil, fmt.Errorf("verify %s: %w: %d entries instead of %d", m.Object, ErrDamaged, snapshot.Len(), m.Entries)
	}
	return snapshot, nil
}
