// Package scanner has the open scans of regions: what each has read and still has to give.
package scanner

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tsuna/gohbase/pb"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/query"
	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"
)

const (
	// Lease is how long a scanner lives without a call.
	Lease = 60 * time.Second

	// Numbers of fields that HBase has and the client library's messages do not.
	fieldIncludeStart = 21
	fieldIncludeStop  = 22
	fieldLimitOfRows  = 11
)

// Scanner is an open scan of one region.
type Scanner struct {
	mu      sync.Mutex
	Region  *store.Region
	query   *query.Query
	rows    store.Rows
	batch   int // cells of a result at most
	size    int // bytes of an answer, roughly
	partial bool
	left    int // rows the client still wants, when it said so
	more    bool
	pending []store.Cell // rest of the row that rows stands on
	seq     uint64
	used    atomic.Int64 // epoch milliseconds of the last call
	closed  bool
}

// New begins a scan of a region over its rows.
func New(r *store.Region, m *pb.ScanRequest, q *query.Query, rows store.Rows) *Scanner {
	scan := m.GetScan()
	s := &Scanner{Region: r, query: q, rows: rows, batch: math.MaxInt, size: wire.MaxResultSize, left: math.MaxInt}
	s.partial = m.GetClientHandlesPartials()
	if scan.BatchSize != nil && scan.GetBatchSize() > 0 {
		s.batch = int(scan.GetBatchSize())
	}
	if scan.MaxResultSize != nil && scan.GetMaxResultSize() > 0 {
		s.size = int(min(scan.GetMaxResultSize(), wire.MaxResultSize))
	}
	if v, ok := wire.Field(m, fieldLimitOfRows); ok && v > 0 && v < math.MaxInt32 {
		s.left = int(v)
	}
	s.more = s.rows.Advance()
	return s
}

// Page is one answer of a scanner.
type Page struct {
	Cells            []byte
	Counts           []uint32
	Partial          []bool
	Scanned, Dropped int64
	Done             bool // nothing follows in any region
}

// fill collects up to limit results.
func (s *Scanner) fill(limit int) (Page, error) {
	var p Page
	for len(p.Counts) < limit && len(p.Cells) < s.size && s.left > 0 {
		if len(s.pending) == 0 {
			if s.query.Done() {
				s.more = false
				p.Done = len(p.Counts) == 0
			}
			if !s.more {
				break
			}
			if err := s.load(&p); err != nil {
				return Page{}, err
			}
			if len(s.pending) == 0 {
				s.more = s.rows.Advance()
				continue
			}
		}
		s.emit(&p)
	}
	if len(s.pending) == 0 && s.query.Done() {
		s.more = false
	}
	p.Done = p.Done || s.left == 0
	return p, nil
}

// load reads the row that rows stands on and picks its cells.
func (s *Scanner) load(p *Page) error {
	stored, err := s.rows.Cells()
	if err != nil {
		return err
	}
	p.Scanned++
	s.pending, err = s.query.Cells(s.Region.Table, s.rows.Key(), stored)
	if err == nil && len(s.pending) == 0 {
		p.Dropped++
	}
	return err
}

// emit adds one result: the pending row, or as much of it as fits when the client takes parts of rows.
func (s *Scanner) emit(p *Page) {
	row, n := s.rows.Key(), 0
	for n < len(s.pending) && n < s.batch {
		p.Cells = wire.AppendBlock(p.Cells, row, &s.pending[n])
		n++
		if s.partial && len(p.Cells) >= s.size {
			break
		}
	}
	s.pending = s.pending[n:]
	p.Counts = append(p.Counts, uint32(n))
	if len(s.pending) == 0 {
		s.left--
		s.more = s.rows.Advance()
	}
	// A result as long as the cell limit counts as a part even at the end of its row, as in HBase.
	p.Partial = append(p.Partial, len(s.pending) > 0 || n == s.batch && s.more)
}

// Next is fill for one caller at a time, in the order the client numbers its calls.
func (s *Scanner) Next(limit int, m *pb.ScanRequest) (_ Page, more bool, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return Page{}, false, exception.New(exception.UnknownScanner, "the scanner is closed")
	}
	s.Touch()
	if m.NextCallSeq != nil {
		if m.GetNextCallSeq() != s.seq {
			return Page{}, false, exception.New(exception.OutOfOrderNext,
				"expected call %d of the scanner, got %d", s.seq, m.GetNextCallSeq())
		}
		s.seq++
	}
	p, err := s.fill(limit)
	return p, s.more || len(s.pending) > 0, err
}

// Touch begins the lease anew.
func (s *Scanner) Touch() { s.used.Store(time.Now().UnixMilli()) }
