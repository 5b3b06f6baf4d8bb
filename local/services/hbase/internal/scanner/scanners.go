package scanner

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"feedstream/local/services/hbase/internal/exception"
)

// Scanners are the open scanners by id.
type Scanners struct {
	mu   sync.Mutex
	last uint64
	open map[uint64]*Scanner
}

// Add opens a scanner and gives it an id.
func (s *Scanners) Add(sc *Scanner) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		// Ids begin anywhere, so that a client of an earlier run does not hit a scanner of this one.
		s.open, s.last = map[uint64]*Scanner{}, rand.Uint64N(1<<62)
	}
	s.last++
	sc.Touch()
	s.open[s.last] = sc
	return s.last
}

// Find returns an open scanner.
func (s *Scanners) Find(id uint64) (*Scanner, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sc := s.open[id]; sc != nil {
		return sc, nil
	}
	return nil, exception.New(exception.UnknownScanner,
		"scanner %d is closed, was unused for over %s, or is of an earlier run", id, Lease)
}

// Remove closes a scanner; an unknown one is closed already.
func (s *Scanners) Remove(id uint64) error {
	s.mu.Lock()
	sc := s.open[id]
	delete(s.open, id)
	s.mu.Unlock()
	if sc == nil {
		return nil
	}
	return sc.close()
}

func (s *Scanners) ids(which func(*Scanner) bool) []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []uint64
	for id, sc := range s.open {
		if which(sc) {
			ids = append(ids, id)
		}
	}
	return ids
}

// CloseAll closes every scanner.
func (s *Scanners) CloseAll() error {
	var errs []error
	for _, id := range s.ids(func(*Scanner) bool { return true }) {
		errs = append(errs, s.Remove(id))
	}
	return errors.Join(errs...)
}

func (s *Scanner) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.rows.Close()
}

func (s *Scanner) idleSince(t time.Time) bool { return s.used.Load() < t.UnixMilli() }

// Expire closes scanners whose clients went away, until the context ends.
func (s *Scanners) Expire(ctx context.Context, logger *slog.Logger) {
	tick := time.NewTicker(Lease / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, id := range s.ids(func(sc *Scanner) bool { return sc.idleSince(now.Add(-Lease)) }) {
				if err := s.Remove(id); err != nil {
					logger.Warn("hbase: close an expired scanner", "error", err)
				}
			}
		}
	}
}
