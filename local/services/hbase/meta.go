package hbase

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/scanner"
	"feedstream/local/services/hbase/internal/store"
	"feedstream/local/services/hbase/internal/wire"
)

const (
	metaTable  = "hbase:meta"
	metaName   = "hbase:meta,,1"
	metaHash   = "1588230740"
	familyInfo = "info"
)

// newMeta is the one region of hbase:meta. Its rows are made up from the tables whenever they are read.
func newMeta() *store.Region {
	t := &store.Table{Name: metaTable}
	for _, family := range []string{familyInfo, "table", "rep_barrier", "ns"} {
		t.Families = append(t.Families, Family{Name: family, Versions: 1})
	}
	r := &store.Region{ID: 1, Table: t, Name: metaName}
	t.Regions = []*store.Region{r}
	return r
}

func isMeta(r *store.Region) bool { return r.Name == metaName }

// metaEntry is a row of hbase:meta: that of a table's state, or of a region.
type metaEntry struct {
	key    []byte
	region *store.Region // nil for the state of a table
}

// metaEntries are all rows of hbase:meta in its order: one for each region, one for each table's state.
func (s *Server) metaEntries() []metaEntry {
	var rows []metaEntry
	for _, t := range s.store.All() {
		rows = append(rows, metaEntry{key: []byte(t.Name)})
		for _, r := range t.Regions {
			rows = append(rows, metaEntry{[]byte(r.Name), r})
		}
	}
	slices.SortFunc(rows, func(a, b metaEntry) int { return compareMeta(a.key, b.key) })
	return rows
}

// metaCells are the cells of a row, made when they are read.
func (s *Server) metaCells(e metaEntry) []store.Cell {
	if e.region == nil {
		return []store.Cell{s.metaCell("table", "state", s.started, []byte{0x08, 0x00})}
	}
	return s.regionCells(e.region)
}

func (s *Server) metaCell(family, qualifier string, timestamp int64, value []byte) store.Cell {
	return store.Cell{Family: []byte(family), Qualifier: []byte(qualifier), Timestamp: timestamp,
		Kind: store.KindPut, Value: value}
}

func (s *Server) regionCells(r *store.Region) []store.Cell {
	namespace, qualifier := r.Table.Namespace()
	info := wire.Magic(&pb.RegionInfo{
		RegionId:  proto.Uint64(uint64(r.ID)),
		TableName: &pb.TableName{Namespace: []byte(namespace), Qualifier: []byte(qualifier)},
		StartKey:  r.Start,
		EndKey:    r.End,
		Offline:   proto.Bool(false),
		Split:     proto.Bool(false),
	})
	number := func(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
	return []store.Cell{
		s.metaCell(familyInfo, "regioninfo", s.started, info),
		s.metaCell(familyInfo, "seqnumDuringOpen", s.started, number(1)),
		s.metaCell(familyInfo, "server", s.started, []byte(s.Addr())),
		s.metaCell(familyInfo, "serverstartcode", s.started, number(s.started)),
		s.metaCell(familyInfo, "state", s.started, []byte("OPEN")),
	}
}

// metaRow looks at the one table that the key names: a Multi asks for thousands of rows.
func (s *Server) metaRow(key []byte) []store.Cell {
	name, _, ofRegion := bytes.Cut(key, []byte{','})
	t := s.store.All()[string(name)]
	switch {
	case t == nil:
	case !ofRegion:
		return s.metaCells(metaEntry{key: key})
	default:
		for _, r := range t.Regions {
			if r.Name == string(key) {
				return s.metaCells(metaEntry{key, r})
			}
		}
	}
	return nil
}

// metaWalk scans hbase:meta.
func (s *Server) metaWalk(p scanner.Span) store.Rows {
	var found []metaEntry
	for _, row := range s.metaEntries() {
		if holdsMeta(p, row.key) {
			found = append(found, row)
		}
	}
	if p.Reversed {
		slices.Reverse(found)
	}
	return &metaRows{server: s, rows: found, at: -1}
}

// holdsMeta tells whether a row is in the range, in the order of hbase:meta.
func holdsMeta(p scanner.Span, row []byte) bool {
	start, stop := 1, -1
	if len(p.Start) > 0 {
		start = compareMeta(row, p.Start)
	}
	if len(p.Stop) > 0 {
		stop = compareMeta(row, p.Stop)
	}
	if p.Reversed {
		start, stop = -start, -stop
		if len(p.Start) == 0 {
			start = 1
		}
		if len(p.Stop) == 0 {
			stop = -1
		}
	}
	return (start > 0 || start == 0 && p.WithStart) && (stop < 0 || stop == 0 && p.WithStop)
}

// metaRows walks over rows of hbase:meta.
type metaRows struct {
	server *Server
	rows   []metaEntry
	at     int
}

func (r *metaRows) Advance() bool                { r.at++; return r.at < len(r.rows) }
func (r *metaRows) Key() []byte                  { return r.rows[r.at].key }
func (r *metaRows) Cells() ([]store.Cell, error) { return r.server.metaCells(r.rows[r.at]), nil }
func (r *metaRows) Close() error                 { return nil }

// compareMeta orders row keys of hbase:meta by table, then start key, then region id. Plain byte order would put
// a table's first region, whose start key is empty, and start keys with bytes below the comma in wrong places.
func compareMeta(a, b []byte) int {
	aTable, aRest, aFull := bytes.Cut(a, []byte{','})
	bTable, bRest, bFull := bytes.Cut(b, []byte{','})
	if c := bytes.Compare(aTable, bTable); c != 0 {
		return c
	}
	if !aFull || !bFull {
		return cmp.Compare(boolInt(aFull), boolInt(bFull))
	}
	aStart, aID := cutLast(aRest)
	bStart, bID := cutLast(bRest)
	if c := bytes.Compare(aStart, bStart); c != 0 {
		return c
	}
	return bytes.Compare(aID, bID)
}

func cutLast(b []byte) (before, after []byte) {
	if i := bytes.LastIndexByte(b, ','); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
