package reference

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

var (
	// ErrNoSnapshot: nothing was ever announced, or nothing could be loaded yet. A push must fail
	// then: calling its records unmatched would be wrong.
	ErrNoSnapshot = errors.New("no reference snapshot was ever loaded")
	// ErrStale: the snapshot is older than the policy allows to serve.
	ErrStale = errors.New("the reference snapshot is stale")
)

// checkTimeout bounds the question whether the manifest has moved.
const checkTimeout = 2 * time.Second

// CacheConfig says what a cache reads and how fresh it must be.
type CacheConfig struct {
	Objects       reader
	Prefix        string
	CheckInterval time.Duration // the manifest is looked at no more often than this
	MaxAge        time.Duration
	FailWhenStale bool // beyond MaxAge: fail instead of serving with View.Stale set
	Now           func() time.Time
	Logger        *slog.Logger
}

// Cache holds the snapshot last announced, as far as this instance knows. It runs no goroutine: the
// check happens inside a request, since a frozen instance has no other time. It is safe for
// concurrent use.
type Cache struct {
	cfg      CacheConfig
	loaded   atomic.Pointer[loaded]
	checking chan struct{} // holds a token while a request checks
	failure  atomic.Pointer[failure]
}

// loaded is one consistent state; it is replaced as a whole, so readers never wait for a swap.
type loaded struct {
	snapshot  *Snapshot
	manifest  Manifest
	etag      string
	checkedAt time.Time // by this instance, successfully or not
}

type failure struct {
	err error
	at  time.Time
}

// View is one push's sight of the reference.
type View struct {
	Snapshot *Snapshot
	Manifest Manifest
	Age      time.Duration
	Stale    bool // Age is beyond the policy's limit, and the policy says to serve all the same
}

// NewCache returns an empty cache.
func NewCache(cfg CacheConfig) *Cache {
	return &Cache{cfg: cfg, checking: make(chan struct{}, 1)}
}

// Current returns the snapshot to use for one push. When the last check is longer ago than the
// interval, one of the concurrent callers checks and the others go on with what is loaded; before
// anything is loaded they wait for it. A check that fails keeps what is loaded, whose age grows.
//
// The error wraps ErrNoSnapshot or ErrStale.
func (c *Cache) Current(ctx context.Context) (View, error) {
	began := c.cfg.Now()
	current := c.loaded.Load()
	if current != nil && began.Sub(current.checkedAt) < c.cfg.CheckInterval {
		return c.view(current)
	}
	if current != nil {
		select {
		case c.checking <- struct{}{}:
			defer func() { <-c.checking }()
			if c.loaded.Load() == current { // nobody checked since this request looked
				c.refresh(ctx)
			}
		default: // somebody else is at it
		}
		return c.view(c.loaded.Load())
	}
	select {
	case c.checking <- struct{}{}:
		defer func() { <-c.checking }()
	case <-ctx.Done():
		return View{}, fmt.Errorf("%w: %w", ErrNoSnapshot, ctx.Err())
	}
	if current = c.loaded.Load(); current != nil {
		return c.view(current)
	}
	// Who waited while another request failed to load shares its failure instead of repeating it.
	if last := c.failure.Load(); last != nil && last.at.After(began) {
		return View{}, fmt.Errorf("%w: %w", ErrNoSnapshot, last.err)
	}
	next, err := c.load(ctx, nil)
	if err != nil {
		c.failure.Store(&failure{err: err, at: c.cfg.Now()})
		return View{}, fmt.Errorf("%w: %w", ErrNoSnapshot, err)
	}
	c.loaded.Store(next)
	return c.view(next)
}

// refresh replaces what is loaded if the manifest moved. It is called by one request at a time.
func (c *Cache) refresh(ctx context.Context) {
	current := c.loaded.Load()
	next, err := c.load(ctx, current)
	if err != nil {
		c.cfg.Logger.WarnContext(ctx, "the reference could not be refreshed, the loaded snapshot stays",
			"referenceVersion", current.manifest.Version, "referenceAge", current.manifest.Age(c.cfg.Now()), "error", err)
		kept := *current
		kept.checkedAt = c.cfg.Now()
		next = &kept
	}
	c.loaded.Store(next)
}

// load asks for the manifest and, when it names another version, for the snapshot.
func (c *Cache) load(ctx context.Context, current *loaded) (*loaded, error) {
	next := loaded{}
	if current != nil {
		next = *current
	}
	object, err := c.manifest(ctx, next.etag)
	next.checkedAt = c.cfg.Now()
	if errors.Is(err, ErrNotModified) && current != nil {
		return &next, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	manifest, err := ParseManifest(object.Body)
	if err != nil {
		return nil, err
	}
	if current != nil && !c.accept(ctx, &manifest, &current.manifest) {
		return &next, nil
	}
	next.manifest, next.etag = manifest, object.ETag
	if current != nil && manifest.Version == current.manifest.Version && manifest.SHA256 == current.manifest.SHA256 {
		return &next, nil
	}
	next.snapshot, err = ReadSnapshot(ctx, c.cfg.Objects, &manifest)
	return &next, err
}

// accept decides whether a manifest takes the place of the loaded one. Revisions go up; that one goes
// back is never passed over in silence, whichever of the two is served.
func (c *Cache) accept(ctx context.Context, m, current *Manifest) bool {
	switch {
	case m.Revision > current.Revision:
		return true
	case *m == *current: // written again as it was
		return true
	}
	taken := m.follows(current)
	text := "an older manifest came back, the loaded snapshot stays until the next announcement"
	if taken {
		text = "the manifest began anew, as in a bucket that was emptied or restored: it is taken, for it is later"
	}
	c.cfg.Logger.WarnContext(ctx, text, "revision", m.Revision, "referenceVersion", m.Version, "checkedAt", m.CheckedAt,
		"loadedRevision", current.Revision, "loadedVersion", current.Version, "loadedCheckedAt", current.CheckedAt)
	return taken
}

func (c *Cache) manifest(ctx context.Context, etag string) (Object, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return c.cfg.Objects.Get(ctx, ManifestKey(c.cfg.Prefix), etag)
}

func (c *Cache) view(l *loaded) (View, error) {
	v := View{Snapshot: l.snapshot, Manifest: l.manifest, Age: l.manifest.Age(c.cfg.Now())}
	if v.Age <= c.cfg.MaxAge {
		return v, nil
	}
	if c.cfg.FailWhenStale {
		return View{}, fmt.Errorf("%w: version %s was last checked %s ago, REFERENCE_MAX_AGE is %s",
			ErrStale, l.manifest.Version, v.Age.Round(time.Second), c.cfg.MaxAge)
	}
	v.Stale = true
	return v, nil
}
