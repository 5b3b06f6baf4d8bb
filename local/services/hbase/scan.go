package hbase

import (
	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/query"
	"feedstream/local/services/hbase/internal/scanner"
	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"
)

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
		return s.faulty(callOf(r, reg, 1), func() (wire.Response, error) { return s.openScan(reg, &m) })
	}
	sc, err := s.scanners.Find(m.GetScannerId())
	if err != nil {
		return wire.Response{}, err
	}
	return s.faulty(callOf(r, sc.Region, 1), func() (wire.Response, error) {
		if _, moved := s.moved.LoadAndDelete(sc.Region.Name); moved {
			return wire.Response{}, exception.New(exception.NotServingRegion, "%s has moved", sc.Region.Name)
		}
		return s.continueScan(sc, &m)
	})
}

func (s *Server) openScan(r *store.Region, m *pb.ScanRequest) (wire.Response, error) {
	if m.Scan == nil {
		return wire.Response{}, exception.New(exception.DoNotRetryIO,
			"a scan request names neither a scan nor a scanner")
	}
	q, err := query.New(r.Table, m.Scan, m.Scan.StoreLimit != nil)
	if err != nil {
		return wire.Response{}, err
	}
	span := scanner.NewSpan(r, m.Scan)
	var rows store.Rows
	if isMeta(r) {
		rows = s.metaWalk(span)
	} else if rows, err = s.store.Walk(r.Table, span.Lower, span.Upper, span.Reversed, q.Since()); err != nil {
		return wire.Response{}, err
	}
	sc := scanner.New(r, m, q, rows)
	id := s.scanners.Add(sc)
	limit := 1
	if m.NumberOfRows != nil {
		limit = int(m.GetNumberOfRows())
	} else if m.GetCloseScanner() {
		limit = 0
	}
	return s.scanPage(id, sc, limit, m)
}

func (s *Server) continueScan(sc *scanner.Scanner, m *pb.ScanRequest) (wire.Response, error) {
	if m.GetRenew() {
		sc.Touch()
		return wire.Response{Message: &pb.ScanResponse{ScannerId: m.ScannerId, MoreResults: proto.Bool(true)}}, nil
	}
	limit := int(m.GetNumberOfRows())
	if m.GetCloseScanner() && limit == 0 {
		return wire.Response{Message: &pb.ScanResponse{MoreResults: proto.Bool(false)}}, s.scanners.Remove(m.GetScannerId())
	}
	return s.scanPage(m.GetScannerId(), sc, limit, m)
}

// scanPage answers with the next page of a scanner, and closes the scanner when nothing follows.
func (s *Server) scanPage(id uint64, sc *scanner.Scanner, limit int, m *pb.ScanRequest) (wire.Response, error) {
	p, more, err := sc.Next(limit, m)
	if err != nil {
		return wire.Response{}, err
	}
	if p.Done || !more || m.GetCloseScanner() {
		if err := s.scanners.Remove(id); err != nil {
			return wire.Response{}, err
		}
	}
	answer := &pb.ScanResponse{
		CellsPerResult:       p.Counts,
		PartialFlagPerResult: p.Partial,
		ScannerId:            &id,
		MoreResults:          proto.Bool(!p.Done),
		MoreResultsInRegion:  proto.Bool(more),
		Ttl:                  proto.Uint32(uint32(scanner.Lease.Milliseconds())),
	}
	if m.GetTrackScanMetrics() {
		answer.ScanMetrics = &pb.ScanMetrics{Metrics: []*pb.NameInt64Pair{
			{Name: proto.String("ROWS_SCANNED"), Value: &p.Scanned},
			{Name: proto.String("ROWS_FILTERED"), Value: &p.Dropped},
		}}
	}
	return wire.Response{Message: answer, Cells: p.Cells}, nil
}
