package hbase

import (
	"bytes"
	"slices"
	"time"

	"github.com/tsuna/gohbase/pb"

	"feedstream/local/services/hbase/internal/exception"
	"feedstream/local/services/hbase/internal/store"
)

// now is the server's clock in epoch milliseconds.
func (s *Server) now() int64 { return time.Now().UnixMilli() }

// region finds the region a request names. A region that was moved is refused once.
func (s *Server) region(spec *pb.RegionSpecifier) (*store.Region, error) {
	name := string(spec.GetValue())
	if name == metaName || name == metaHash {
		return s.meta, nil
	}
	r, err := s.store.Region(name, spec.GetType() == pb.RegionSpecifier_ENCODED_REGION_NAME)
	if err != nil {
		return nil, err
	}
	if _, moved := s.moved.LoadAndDelete(r.Name); moved {
		return nil, exception.New(exception.NotServingRegion, "%s has moved", r.Name)
	}
	return r, nil
}

// MoveRegion moves the region that holds row, to this same server: the next call to the region is answered with
// NotServingRegionException, hbase:meta gives the location again, and calls pass from then on.
func (s *Server) MoveRegion(tableName string, row []byte) error {
	t := s.store.All()[tableName]
	if t == nil {
		return exception.New(exception.TableNotFound, "%s", tableName)
	}
	s.moved.Store(t.RegionOf(row).Name, true)
	return nil
}

// SplitRegion splits the region that holds row, at row: the old region is gone, and two younger ones are in its
// place. It fails when row is the first row of a region already.
func (s *Server) SplitRegion(tableName string, row []byte) error {
	return s.store.Replace(tableName, func(t *store.Table) ([]*store.Region, error) {
		old := t.RegionOf(row)
		if bytes.Equal(old.Start, row) {
			return nil, exception.New(exception.DoNotRetryIO, "region %s begins at row %x already; split inside of a region",
				old.Name, row)
		}
		id := max(s.now(), old.ID+1)
		var regions []*store.Region
		for _, r := range t.Regions {
			if r != old {
				regions = append(regions, &store.Region{Start: r.Start, End: r.End, ID: r.ID})
				continue
			}
			at := slices.Clone(row)
			regions = append(regions,
				&store.Region{Start: r.Start, End: at, ID: id}, &store.Region{Start: at, End: r.End, ID: id})
		}
		return regions, nil
	})
}
