package hbase

import (
	"bytes"
	"slices"
	"sync"

	"github.com/tsuna/gohbase/hrpc"
)

// place is where a region lies, as an earlier call has found it. It may have moved or split since.
type place struct {
	start, stop []byte // of its rows; an empty stop is the end of the table
	name        []byte
	server      string
}

func (p *place) holds(key []byte) bool {
	return bytes.Compare(key, p.start) >= 0 && (len(p.stop) == 0 || bytes.Compare(key, p.stop) < 0)
}

func (p *place) overlaps(other *place) bool {
	return (len(other.stop) == 0 || bytes.Compare(p.start, other.stop) < 0) &&
		(len(p.stop) == 0 || bytes.Compare(other.start, p.stop) < 0)
}

// places are what is known of the regions of one table, in the order of their rows and without overlap. The
// slice is never changed, so that a batch may use it without a lock.
type places []*place

// find returns the number of the region that holds a key, -1 when none is known.
func (p places) find(key []byte) int {
	from, to := 0, len(p)
	for from < to {
		middle := int(uint(from+to) / 2)
		if bytes.Compare(p[middle].start, key) > 0 {
			to = middle
		} else {
			from = middle + 1
		}
	}
	if from > 0 && p[from-1].holds(key) {
		return from - 1
	}
	return -1
}

// without leaves out what a test tells.
func (p places) without(gone func(*place) bool) places {
	return slices.DeleteFunc(slices.Clone(p), gone)
}

// directory is what calls have learned of the regions of all tables.
type directory struct {
	mu     sync.Mutex
	tables map[string]places
}

func (d *directory) of(table string) places {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tables[table]
}

// learn takes over where calls that were answered have gone.
func (d *directory) learn(table string, calls []hrpc.Call) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known := d.tables[table]
	for _, call := range calls {
		region := call.Region()
		if region == nil {
			continue
		}
		server := region.Client() // asked for once: a call that fails beside this one may take it away
		if server == nil {
			continue
		}
		if i := known.find(call.Key()); i >= 0 && bytes.Equal(known[i].name, region.Name()) {
			continue
		}
		found := &place{start: region.StartKey(), stop: region.StopKey(), name: region.Name(), server: server.Addr()}
		known = append(known.without(found.overlaps), found)
		slices.SortFunc(known, func(a, b *place) int { return bytes.Compare(a.start, b.start) })
	}
	if d.tables == nil {
		d.tables = map[string]places{}
	}
	d.tables[table] = known
}

// forget drops regions that did not answer as they should.
func (d *directory) forget(table string, gone map[*place]bool) {
	if len(gone) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tables[table] = d.tables[table].without(func(p *place) bool { return gone[p] })
}
