package hbase

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"feedstream/local/services/hbase/internal/exception"
)

// scanners are the open scanners by id.
type scanners struct {
	mu   sync.Mutex
	last uint64
	open map[uint64]*scanner
}

func (s *scanners) add(sc *scanner) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		// Ids begin anywhere, so that a client of an earlier run does not hit a scanner of this one.
		s.open, s.last = map[uint64]*scanner{}, rand.Uint64N(1<<62)
	}
	s.last++
	sc.touch()
	s.open[s.last] = sc
	return s.last
}

func (s *scanners) find(id uint64) (*scanner, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sc := s.open[id]; sc != nil {
		return sc, nil
	}
	return nil, exception.New(exception.UnknownScanner, "scanner %d is closed, was unused for over %s, or is of an earlier run",
		id, scannerLease)
}

// remove closes a scanner; an unknown one is closed already.
func (s *scanners) remove(id uint64) error {
	s.mu.Lock()
	sc := s.open[id]
	delete(s.open, id)
	s.mu.Unlock()
	if sc == nil {
		return nil
	}
	return sc.close()
}

func (s *scanners) ids(which func(*scanner) bool) []uint64 {
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

func (s *scanners) closeAll() error {
	var errs []error
	for _, id := range s.ids(func(*scanner) bool { return true }) {
		errs = append(errs, s.remove(id))
	}
	return errors.Join(errs...)
}

func (s *scanner) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.rows.Close()
}

func (s *scanner) idleSince(t time.Time) bool { return s.used.Load() < t.UnixMilli() }

// expireScanners closes scanners whose clients went away, until the server closes.
func (s *Server) expireScanners() {
	tick := time.NewTicker(scannerLease / 4)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case now := <-tick.C:
			for _, id := range s.scanners.ids(func(sc *scanner) bool { return sc.idleSince(now.Add(-scannerLease)) }) {
				if err := s.scanners.remove(id); err != nil {
					s.logger.Warn("hbase: close an expired scanner", "error", err)
				}
			}
		}
	}
}
