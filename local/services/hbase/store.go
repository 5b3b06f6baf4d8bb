package hbase

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"feedstream/local/services/hbase/internal/exception"

	"github.com/cockroachdb/pebble/v2"
)

// Keys of the store begin with one of these bytes.
const (
	prefixTable = 0x01 // + table name -> description as JSON
	prefixRow   = 0x02 // + table number, 4 bytes + row -> the row
)

// store keeps tables and rows in Pebble.
type store struct {
	db *pebble.DB

	mu     sync.RWMutex
	tables map[string]*table
}

// openStore opens or creates the store in dir. One process at a time may hold it; Pebble locks the directory.
func openStore(dir string, logger *slog.Logger) (*store, error) {
	cache := pebble.NewCache(16 << 20)
	defer cache.Unref()
	options := &pebble.Options{
		Cache:                       cache,
		FormatMajorVersion:          pebble.FormatNewest,
		Logger:                      storeLog{logger},
		Merger:                      rowMerger(),
		MemTableSize:                16 << 20,
		MemTableStopWritesThreshold: 4,
		L0StopWritesThreshold:       40,
	}
	options.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	db, err := pebble.Open(dir, options)
	if err != nil {
		return nil, fmt.Errorf("open hbase store %s: %w", dir, err)
	}
	s := &store{db: db, tables: map[string]*table{}}
	if err := s.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("load tables of hbase store %s: %w", dir, err), db.Close())
	}
	return s, nil
}

func (s *store) load() error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixTable}, UpperBound: []byte{prefixTable + 1}})
	if err != nil {
		return err
	}
	for it.First(); it.Valid(); it.Next() {
		var t table
		if err := json.Unmarshal(it.Value(), &t); err != nil {
			return errors.Join(fmt.Errorf("table %q: %w", it.Key()[1:], err), it.Close())
		}
		t.adopt()
		s.tables[t.Name] = &t
	}
	return it.Close()
}

func (s *store) close() error { return s.db.Close() }

// create makes a table with its first rows in one step. It fails when the table exists.
func (s *store) create(d Table, now int64) error {
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
	for _, c := range d.Cells {
		if _, err := t.family([]byte(c.Family)); err != nil {
			return err
		}
		cells := []cell{{family: []byte(c.Family), qualifier: []byte(c.Qualifier), timestamp: c.Timestamp,
			kind: typePut, value: c.Value}}
		if err := writeRow(batch, t, c.Row, cells); err != nil {
			return err
		}
	}
	if err := batch.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("create table %s: %w", d.Name, err)
	}
	s.tables = withTable(s.tables, t)
	return nil
}

func (s *store) nextID() uint32 {
	var last uint32
	for _, t := range s.tables {
		last = max(last, t.ID)
	}
	return last + 1
}

// replace stores other regions for a table.
func (s *store) replace(name string, change func(*table) ([]*region, error)) error {
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
	t := &table{Name: old.Name, ID: old.ID, Families: old.Families, Regions: regions}
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
func withTable(tables map[string]*table, t *table) map[string]*table {
	next := make(map[string]*table, len(tables)+1)
	for name, other := range tables {
		next[name] = other
	}
	next[t.Name] = t
	return next
}

func putTable(batch *pebble.Batch, t *table) error {
	text, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("describe table %s: %w", t.Name, err)
	}
	return batch.Set(append([]byte{prefixTable}, t.Name...), text, nil)
}

// all returns the tables by name; the map must not be changed.
func (s *store) all() map[string]*table {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.tables
}

// region finds a region by its name or, when encoded is set, by the hash in it.
func (s *store) region(name string, encoded bool) (*region, error) {
	for _, t := range s.all() {
		for _, r := range t.Regions {
			if !encoded && r.name == name || encoded && r.encodedName() == name {
				return r, nil
			}
		}
	}
	return nil, exception.New(exception.NotServingRegion, "%s is not online on this server", name)
}

func rowKey(t *table, row []byte) []byte {
	key := make([]byte, 0, 5+len(row))
	key = binary.BigEndian.AppendUint32(append(key, prefixRow), t.ID)
	return append(key, row...)
}

// endKey is the key behind the last row of a table.
func endKey(t *table) []byte {
	return binary.BigEndian.AppendUint32([]byte{prefixRow}, t.ID+1)
}

// writeRow adds the cells of one mutation to a batch. It sorts cells.
func writeRow(batch *pebble.Batch, t *table, row []byte, cells []cell) error {
	keep := t.keep()
	cells = canonical(cells, int(keep))
	op := batch.MergeDeferred(5+len(row), rowSize(cells))
	op.Key[0] = prefixRow
	binary.BigEndian.PutUint32(op.Key[1:], t.ID)
	copy(op.Key[5:], row)
	appendRow(op.Value[:0], keep, cells)
	return op.Finish()
}

// readRow returns the cells of a row, none when it does not exist.
func (s *store) readRow(t *table, row []byte) ([]cell, error) {
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
