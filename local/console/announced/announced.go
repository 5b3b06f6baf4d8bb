// Package announced follows which reference is announced, for whoever asks often and must not wait.
package announced

import (
	"context"
	"sync"
	"time"

	"feedstream/local/console/live"
	"feedstream/local/platform/manifest"
	"feedstream/local/target"
	"feedstream/shared/config"
	"feedstream/shared/reference"
)

// Reference reads the manifest of the reference, a second after it was read last. Whoever
// asks meanwhile, or while OSS does not answer, gets what was read before.
type Reference struct {
	target *target.Target
	maxAge time.Duration // of the enrich function

	read      sync.Mutex           // held while the manifest is read
	announcer *reference.Announcer // once the target could make it: its connections are kept

	mu       sync.Mutex
	manifest reference.Manifest // zero before the first announcement
	readAt   time.Time
}

// Refresh reads it now, unless somebody else does already.
func (r *Reference) Refresh() {
	if !r.read.TryLock() {
		return
	}
	defer r.read.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	m, found, err := r.ask(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && found {
		r.manifest = m
	}
	r.readAt = time.Now()
}

// ask reads the manifest; the caller holds read.
func (r *Reference) ask(ctx context.Context) (m reference.Manifest, found bool, err error) {
	if r.announcer == nil {
		if r.announcer, err = r.target.Announcer(); err != nil {
			return m, false, err
		}
	}
	return r.announcer.Current(ctx)
}

// New follows the reference of a target, as the function of that name judges its age. Nothing is read before Refresh.
func New(t *target.Target, m *manifest.Manifest, function string) *Reference {
	return &Reference{target: t, maxAge: maxAge(m, function)}
}

// Current is what was read last; it asks for more when that is old, and does not wait for it.
func (r *Reference) Current() live.Reference {
	r.mu.Lock()
	m, old := r.manifest, time.Since(r.readAt) > time.Second
	r.mu.Unlock()
	if old {
		go r.Refresh() // ends within its own time
	}
	if m.Version == "" {
		return live.Reference{}
	}
	return live.Reference{
		Version: m.Version, Revision: m.Revision, Entries: m.Entries, AgeSeconds: m.Age(time.Now()).Seconds(),
		Pinned: m.Pinned, MaxAge: r.maxAge,
	}
}

// maxAge is the age beyond which a function calls the reference stale; 0 when its environment does not say it well.
func maxAge(m *manifest.Manifest, function string) time.Duration {
	var environ []string
	for _, f := range m.Functions {
		if f.Name == function {
			for name, value := range f.Environment {
				environ = append(environ, name+"="+value)
			}
		}
	}
	var policy config.Freshness
	if config.LoadGroups(environ, &policy) != nil {
		return 0
	}
	return policy.MaxAge
}
