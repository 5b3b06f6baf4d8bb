package stack

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"feedstream/local/console"
	"feedstream/local/target"
	"feedstream/shared/reference"
)

// Status is a picture of the stack. It is cheap.
func (s *Stack) Status() console.Status {
	p, counts := s.platform.Status(), s.verdicts.Counts()
	status := console.Status{
		Ready: true,
		Verdicts: console.Verdicts{
			Enriched: int64(counts.Enriched), Unmatched: int64(counts.Unmatched),
			Quarantined: int64(counts.Quarantined), DeadLettered: int64(counts.DeadLettered),
		},
		Reference: s.reference.current(),
	}
	for _, f := range p.Functions {
		status.Functions = append(status.Functions, console.Function{
			Name: f.Name, Instances: f.Instances, Invocations: f.Invocations, Errors: f.Errors,
		})
	}
	for _, stream := range p.Streams {
		status.Lag += stream.Lag
		for _, push := range stream.Failing {
			status.Failing = append(status.Failing, target.Failing(push))
		}
	}
	return status
}

func (s *Stack) printCounts(w io.Writer) {
	status := s.Status()
	fmt.Fprintf(w, "%s  enriched %d  unmatched %d  quarantined %d  dead-lettered %d  lag %d\n", time.Now().Format(time.TimeOnly),
		status.Verdicts.Enriched, status.Verdicts.Unmatched, status.Verdicts.Quarantined, status.Verdicts.DeadLettered, status.Lag)
}

// referenceStatus reads the manifest of the reference for the console, a second after it was read last. Whoever
// asks meanwhile, or while OSS does not answer, gets what was read before.
type referenceStatus struct {
	target *target.Target
	read   sync.Mutex // held while the manifest is read

	mu       sync.Mutex
	manifest reference.Manifest // zero before the first announcement
	readAt   time.Time
}

func (r *referenceStatus) refresh() {
	if !r.read.TryLock() {
		return
	}
	defer r.read.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	var found bool
	var m reference.Manifest
	announcer, err := r.target.Announcer()
	if err == nil {
		m, found, err = announcer.Current(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && found {
		r.manifest = m
	}
	r.readAt = time.Now()
}

func (r *referenceStatus) current() console.Reference {
	r.mu.Lock()
	m, old := r.manifest, time.Since(r.readAt) > time.Second
	r.mu.Unlock()
	if old {
		go r.refresh() // ends within its own time
	}
	if m.Version == "" {
		return console.Reference{}
	}
	return console.Reference{
		Version: m.Version, Revision: m.Revision, Entries: m.Entries, AgeSeconds: m.Age(time.Now()).Seconds(),
	}
}
