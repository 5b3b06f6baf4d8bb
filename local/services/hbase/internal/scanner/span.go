package scanner

import (
	"bytes"
	"slices"

	"github.com/tsuna/gohbase/pb"

	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"
)

// Span is a range of rows within one region.
type Span struct {
	Start, Stop  []byte // empty means open
	WithStart    bool
	WithStop     bool
	Reversed     bool
	Lower, Upper []byte // the same as lower bound, inclusive, and upper bound, exclusive or nil
}

// NewSpan reads the range of a scan.
func NewSpan(r *store.Region, scan *pb.Scan) Span {
	p := Span{Start: scan.StartRow, Stop: scan.StopRow, WithStart: true, Reversed: scan.GetReversed()}
	if v, ok := wire.Field(scan, fieldIncludeStart); ok {
		p.WithStart = v != 0
	}
	if v, ok := wire.Field(scan, fieldIncludeStop); ok {
		p.WithStop = v != 0
	} else { // a client too old for the flag means one row by equal ends
		p.WithStop = len(p.Start) > 0 && bytes.Equal(p.Start, p.Stop)
	}
	low, withLow, high, withHigh := p.Start, p.WithStart, p.Stop, p.WithStop
	if p.Reversed {
		low, withLow, high, withHigh = high, withHigh, low, withLow
	}
	p.Lower, p.Upper = r.Start, r.End
	if len(low) > 0 {
		p.Lower = later(p.Lower, bound(low, withLow))
	}
	if len(high) > 0 {
		high = bound(high, !withHigh)
		if len(p.Upper) == 0 || bytes.Compare(high, p.Upper) < 0 {
			p.Upper = high
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
