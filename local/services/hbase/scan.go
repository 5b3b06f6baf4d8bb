package hbase

import (
	"bytes"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

const (
	scannerLease  = 60 * time.Second
	maxResultSize = 100 << 20 // HBase's hbase.server.scanner.max.result.size

	// Numbers of fields that HBase has and the client library's messages do not.
	fieldIncludeStart = 21
	fieldIncludeStop  = 22
	fieldLimitOfRows  = 11
)

// span is a range of rows within one region.
type span struct {
	start, stop  []byte // empty means open
	withStart    bool
	withStop     bool
	reversed     bool
	lower, upper []byte // the same as lower bound, inclusive, and upper bound, exclusive or nil
}

func newSpan(r *store.Region, scan *pb.Scan) span {
	p := span{start: scan.StartRow, stop: scan.StopRow, withStart: true, reversed: scan.GetReversed()}
	unknown := scan.ProtoReflect().GetUnknown()
	if v, ok := varintField(unknown, fieldIncludeStart); ok {
		p.withStart = v != 0
	}
	if v, ok := varintField(unknown, fieldIncludeStop); ok {
		p.withStop = v != 0
	} else { // a client too old for the flag means one row by equal ends
		p.withStop = len(p.start) > 0 && bytes.Equal(p.start, p.stop)
	}
	low, withLow, high, withHigh := p.start, p.withStart, p.stop, p.withStop
	if p.reversed {
		low, withLow, high, withHigh = high, withHigh, low, withLow
	}
	p.lower, p.upper = r.Start, r.End
	if len(low) > 0 {
		p.lower = later(p.lower, bound(low, withLow))
	}
	if len(high) > 0 {
		high = bound(high, !withHigh)
		if len(p.upper) == 0 || bytes.Compare(high, p.upper) < 0 {
			p.upper = high
		}
	}
	return p
}

// bound is the first row at or, without the row itself, after row.
func bound(row []byte, with bool) []byte {
	if with {
		return row
	}
	return append(slices.Clone(row), 0)
}

func later(a, b []byte) []byte {
	if bytes.Compare(a, b) >= 0 {
		return a
	}
	return b
}

// varintField finds a number among fields that a message type does not know.
func varintField(b []byte, field protowire.Number) (uint64, bool) {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return 0, false
		}
		if number == field && kind == protowire.VarintType {
			v, n := protowire.ConsumeVarint(b[n:])
			return v, n > 0
		}
		m := protowire.ConsumeFieldValue(number, kind, b[n:])
		if m < 0 {
			return 0, false
		}
		b = b[n+m:]
	}
	return 0, false
}

// scanner is an open scan of one region.
type scanner struct {
	mu      sync.Mutex
	region  *store.Region
	query   *query
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

// page is one answer of a scanner.
type page struct {
	cells            []byte
	counts           []uint32
	partial          []bool
	scanned, dropped int64
	done             bool // nothing follows in any region
}

// fill collects up to limit results.
func (s *scanner) fill(limit int) (page, error) {
	var p page
	for len(p.counts) < limit && len(p.cells) < s.size && s.left > 0 {
		if len(s.pending) == 0 {
			if s.query.filter != nil && s.query.filter.done() {
				s.more = false
				p.done = len(p.counts) == 0
			}
			if !s.more {
				break
			}
			if err := s.load(&p); err != nil {
				return page{}, err
			}
			if len(s.pending) == 0 {
				s.more = s.rows.Advance()
				continue
			}
		}
		s.emit(&p)
	}
	if len(s.pending) == 0 && s.query.filter != nil && s.query.filter.done() {
		s.more = false
	}
	p.done = p.done || s.left == 0
	return p, nil
}

// load reads the row that rows stands on and picks its cells.
func (s *scanner) load(p *page) error {
	stored, err := s.rows.Cells()
	if err != nil {
		return err
	}
	p.scanned++
	s.pending, err = s.query.cells(s.region.Table, s.rows.Key(), stored)
	if err == nil && len(s.pending) == 0 {
		p.dropped++
	}
	return err
}

// emit adds one result: the pending row, or as much of it as fits when the client takes parts of rows.
func (s *scanner) emit(p *page) {
	row, n := s.rows.Key(), 0
	for n < len(s.pending) && n < s.batch {
		p.cells = wire.AppendBlock(p.cells, row, &s.pending[n])
		n++
		if s.partial && len(p.cells) >= s.size {
			break
		}
	}
	s.pending = s.pending[n:]
	p.counts = append(p.counts, uint32(n))
	if len(s.pending) == 0 {
		s.left--
		s.more = s.rows.Advance()
	}
	// A result as long as the cell limit counts as a part even at the end of its row, as in HBase.
	p.partial = append(p.partial, len(s.pending) > 0 || n == s.batch && s.more)
}

// scan opens, continues, renews or closes a scanner.
func (s *Server) scan(r *wire.Request) (wire.Response, error) {
	var m pb.ScanRequest
	if err := r.Decode(&m); err != nil {
		return wire.Response{}, err
	}
	if m.ScannerId == nil {
		reg, err := s.region(m.Region)
		if err != nil {
			return wire.Response{}, err
		}
		return s.faulty(scanCall(r, reg), func() (wire.Response, error) { return s.openScan(reg, &m) })
	}
	sc, err := s.scanners.find(m.GetScannerId())
	if err != nil {
		return wire.Response{}, err
	}
	return s.faulty(scanCall(r, sc.region), func() (wire.Response, error) {
		if _, moved := s.moved.LoadAndDelete(sc.region.Name); moved {
			return wire.Response{}, exception.New(exception.NotServingRegion, "%s has moved", sc.region.Name)
		}
		return s.continueScan(sc, &m)
	})
}

func scanCall(r *wire.Request, reg *store.Region) Call {
	return Call{Method: r.Method, Table: reg.Table.Name, Region: reg.Name, Actions: 1}
}

func (s *Server) openScan(r *store.Region, m *pb.ScanRequest) (wire.Response, error) {
	scan := m.GetScan()
	if scan == nil {
		return wire.Response{}, exception.New(exception.DoNotRetryIO, "a scan request names neither a scan nor a scanner")
	}
	q, err := newQuery(r.Table, scan, scan.StoreLimit != nil)
	if err != nil {
		return wire.Response{}, err
	}
	sc := &scanner{region: r, query: q, batch: math.MaxInt, size: maxResultSize, left: math.MaxInt}
	sc.partial = m.GetClientHandlesPartials()
	if scan.BatchSize != nil && scan.GetBatchSize() > 0 {
		sc.batch = int(scan.GetBatchSize())
	}
	if scan.MaxResultSize != nil && scan.GetMaxResultSize() > 0 {
		sc.size = int(min(scan.GetMaxResultSize(), maxResultSize))
	}
	if v, ok := varintField(m.ProtoReflect().GetUnknown(), fieldLimitOfRows); ok && v > 0 && v < math.MaxInt32 {
		sc.left = int(v)
	}
	if span := newSpan(r, scan); isMeta(r) {
		sc.rows = s.metaWalk(span)
	} else if sc.rows, err = s.store.Walk(r.Table, span.lower, span.upper, span.reversed); err != nil {
		return wire.Response{}, err
	}
	sc.more = sc.rows.Advance()
	id := s.scanners.add(sc)
	limit := 1
	if m.NumberOfRows != nil {
		limit = int(m.GetNumberOfRows())
	} else if m.GetCloseScanner() {
		limit = 0
	}
	return s.scanPage(id, sc, limit, m)
}

func (s *Server) continueScan(sc *scanner, m *pb.ScanRequest) (wire.Response, error) {
	if m.GetRenew() {
		sc.touch()
		return wire.Response{Message: &pb.ScanResponse{ScannerId: m.ScannerId, MoreResults: proto.Bool(true)}}, nil
	}
	limit := int(m.GetNumberOfRows())
	if m.GetCloseScanner() && limit == 0 {
		return wire.Response{Message: &pb.ScanResponse{MoreResults: proto.Bool(false)}}, s.scanners.remove(m.GetScannerId())
	}
	return s.scanPage(m.GetScannerId(), sc, limit, m)
}

// scanPage answers with the next page of a scanner, and closes the scanner when nothing follows.
func (s *Server) scanPage(id uint64, sc *scanner, limit int, m *pb.ScanRequest) (wire.Response, error) {
	p, more, err := sc.next(limit, m)
	if err != nil {
		return wire.Response{}, err
	}
	if p.done || !more || m.GetCloseScanner() {
		if err := s.scanners.remove(id); err != nil {
			return wire.Response{}, err
		}
	}
	answer := &pb.ScanResponse{
		CellsPerResult:       p.counts,
		PartialFlagPerResult: p.partial,
		ScannerId:            &id,
		MoreResults:          proto.Bool(!p.done),
		MoreResultsInRegion:  proto.Bool(more),
		Ttl:                  proto.Uint32(uint32(scannerLease.Milliseconds())),
	}
	if m.GetTrackScanMetrics() {
		answer.ScanMetrics = &pb.ScanMetrics{Metrics: []*pb.NameInt64Pair{
			{Name: proto.String("ROWS_SCANNED"), Value: &p.scanned},
			{Name: proto.String("ROWS_FILTERED"), Value: &p.dropped},
		}}
	}
	return wire.Response{Message: answer, Cells: p.cells}, nil
}

// next is fill for one caller at a time, in the order the client numbers its calls.
func (s *scanner) next(limit int, m *pb.ScanRequest) (_ page, more bool, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return page{}, false, exception.New(exception.UnknownScanner, "the scanner is closed")
	}
	s.touch()
	if m.NextCallSeq != nil {
		if m.GetNextCallSeq() != s.seq {
			return page{}, false, exception.New(exception.OutOfOrderNext, "expected call %d of the scanner, got %d", s.seq, m.GetNextCallSeq())
		}
		s.seq++
	}
	p, err := s.fill(limit)
	return p, s.more || len(s.pending) > 0, err
}

func (s *scanner) touch() { s.used.Store(time.Now().UnixMilli()) }
