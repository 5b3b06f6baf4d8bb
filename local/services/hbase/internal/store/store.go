// Package store keeps tables and rows in Pebble: what a cell is, which cells of a row hide others, and how both lie on
// disk.
package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"feedstream/local/services/hbase/internal/exception"
)

// Keys of the store begin with one of these bytes.
const (
	prefixTable = 0x01 // + table name -> description as JSON
	prefixRow   = 0x02 // + table number, 4 bytes + row -> the row
)

// Store keeps tables and rows in Pebble.
type Store struct {
	db *pebble.DB

	mu     sync.RWMutex
	tables map[string]*Table
}

// Open opens or creates the store in dir. One process at a time may hold it; Pebble locks the directory.
func Open(dir string, logger *slog.Logger) (*Store, error) {
	cache := pebble.NewCache(16 << 20)
	defer cache.Unref()
	// The feed writes the same rows over and over: the larger the table in memory, the more writes of a row are merged
	// before they reach a file.
	options := &pebble.Options{
		Cache:                       cache,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      storeLog{logger},
		Merger:                      rowMerger(),
		BlockPropertyCollectors:     []func() pebble.BlockPropertyCollector{collectTimes},
		MemTableSize:                32 << 20,
		MemTableStopWritesThreshold: 4,
		L0StopWritesThreshold:       40,
	}
	options.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	db, err := pebble.Open(dir, options)
	if err != nil {
		return nil, fmt.Errorf("open the store in %s: %w", dir, err)
	}
	s := &Store{db: db, tables: map[string]*Table{}}
	if err := s.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("load the tables of the store in %s: %w", dir, err), db.Close())
	}
	return s, nil
}

func (s *Store) load() error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixTable}, UpperBound: []byte{prefixTable + 1}})
	if err != nil {
		return err
	}
	for it.First(); it.Valid(); it.Next() {
		var t Table
		if err := json.Unmarshal(it.Value(), &t); err != nil {
			return errors.Join(fmt.Errorf("table %q: %w", it.Key()[1:], err), it.Close())
		}
		t.adopt()
		s.tables[t.Name] = &t
	}
	return it.Close()
}

// Close closes the store; nothing may use it any more.
func (s *Store) Close() error { return s.db.Close() }

// Create makes a table with its first rows in one step. It fails when the table exists.
func (s *Store) Create(d Schema, now int64) error {
	if err := d.validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables[d.Name] != nil {
		return exception.New(exception.TableExists, "%s", d.Name)
	}
	t := newTable(d, s.nextID(), now)
	batch := s.db.NewBatch()
	defer batch.Close()
	if err := putTable(batch, t); err != nil {
		return err
	}
	if err := writeSeeds(batch, t, d.Cells); err != nil {
		return err
	}
	if err := batch.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("create table %s: %w", d.Name, err)
	}
	s.tables = withTable(s.tables, t)
	return nil
}

// Seed gives a table that exists the rows of its description that it does not have. A row that is there is left as
// it is.
func (s *Store) Seed(d Schema) error {
	t := s.All()[d.Name]
	var seeds []Seed
	for _, c := range d.Cells {
		cells, err := s.Row(t, c.Row)
		if err != nil {
			return err
		}
		if len(cells) == 0 {
			seeds = append(seeds, c)
		}
	}
	if len(seeds) == 0 {
		return nil
	}
	batch := s.db.NewBatch()
	defer batch.Close()
	if err := writeSeeds(batch, t, seeds); err != nil {
		return err
	}
	return batch.Commit(pebble.Sync)
}

func writeSeeds(batch *pebble.Batch, t *Table, seeds []Seed) error {
	for _, c := range seeds {
		if _, err := t.Family([]byte(c.Family)); err != nil {
			return err
		}
		cells := []Cell{{Family: []byte(c.Family), Qualifier: []byte(c.Qualifier), Timestamp: c.Timestamp,
			Kind: KindPut, Value: c.Value}}
		if err := writeRow(batch, t, c.Row, cells); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) nextID() uint32 {
	var last uint32
	for _, t := range s.tables {
		last = max(last, t.ID)
	}
	return last + 1
}

// Replace stores other regions for a table.
func (s *Store) Replace(name string, change func(*Table) ([]*Region, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.tables[name]
	if old == nil {
		return exception.New(exception.TableNotFound, "%s", name)
	}
	regions, err := change(old)
	if err != nil {
		return err
	}
	t := &Table{Name: old.Name, ID: old.ID, Families: old.Families, Regions: regions}
	t.adopt()
	batch := s.db.NewBatch()
	defer batch.Close()
	if err := putTable(batch, t); err != nil {
		return err
	}
	if err := batch.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("store regions of table %s: %w", name, err)
	}
	s.tables = withTable(s.tables, t)
	return nil
}

// withTable copies the map, because readers hold on to the one they got.
func withTable(tables map[string]*Table, t *Table) map[string]*Table {
	next := make(map[string]*Table, len(tables)+1)
	for name, other := range tables {
		next[name] = other
	}
	next[t.Name] = t
	return next
}

func putTable(batch *pebble.Batch, t *Table) error {
	text, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("describe table %s: %w", t.Name, err)
	}
	return batch.Set(append([]byte{prefixTable}, t.Name...), text, nil)
}

// All returns the tables by name; the map must not be changed.
func (s *Store) All() map[string]*Table {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.tables
}

// Region finds a region by its name or, when encoded is set, by the hash in it.
func (s *Store) Region(name string, encoded bool) (*Region, error) {
	for _, t := range s.All() {
		for _, r := range t.Regions {
			if !encoded && r.Name == name || encoded && r.encodedName() == name {
				return r, nil
			}
		}
	}
	return nil, exception.New(exception.NotServingRegion, "%s is not online on this server", name)
}

func rowKey(t *Table, row []byte) []byte {
	key := make([]byte, 0, 5+len(row))
	key = binary.BigEndian.AppendUint32(append(key, prefixRow), t.ID)
	return append(key, row...)
}

// endKey is the key behind the last row of a table.
func endKey(t *Table) []byte {
	return binary.BigEndian.AppendUint32([]byte{prefixRow}, t.ID+1)
}

// Row returns the cells of a row, none when it does not exist.
func (s *Store) Row(t *Table, row []byte) ([]Cell, error) {
	value, closer, err := s.db.Get(rowKey(t, row))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read row %x of %s: %w", row, t.Name, err)
	}
	value = slices.Clone(value)
	if err := closer.Close(); err != nil {
		return nil, fmt.Errorf("read row %x of %s: %w", row, t.Name, err)
	}
	cells, _, err := decodeRow(nil, value)
	if err != nil {
		return nil, fmt.Errorf("read row %x of %s: %w", row, t.Name, err)
	}
	return cells, nil
}

// storeLog passes Pebble's words on: its chatter as debug lines, its errors as errors.
type storeLog struct{ logger *slog.Logger }

func (l storeLog) Infof(format string, args ...any)  { l.logger.Debug(fmt.Sprintf(format, args...)) }
func (l storeLog) Errorf(format string, args ...any) { l.logger.Error(fmt.Sprintf(format, args...)) }

// Fatalf must not return: Pebble calls it when it cannot keep its promise, for example on a failed WAL write.
func (l storeLog) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
