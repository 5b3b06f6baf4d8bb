// Package store keeps collections of raw BSON documents on pebble: documents in the order of their insertion, unique
// indexes beside them. A transaction is one synced pebble batch: it happens as a whole, and what it acknowledged
// survives the death of the process.
package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

const (
	cacheBytes    = 32 << 20
	filterBits    = 10 // per key, for one useless look into a file in a hundred
	memTableBytes = 16 << 20
)

// Store is an open data directory.
type Store struct {
	db    *pebble.DB
	cache *pebble.Cache
	write sync.Mutex // one transaction at a time
}

// Open opens the data directory and makes it when it does not exist. A directory that another process has open is an
// error.
func Open(dir string, logger *slog.Logger) (*Store, error) {
	cache := pebble.NewCache(cacheBytes)
	options := &pebble.Options{
		Cache:              cache,
		MemTableSize:       memTableBytes,
		FormatMajorVersion: pebble.FormatNewest,
		Logger:             pebbleLog{logger},
	}
	for i := range options.Levels {
		options.Levels[i].FilterPolicy = bloom.FilterPolicy(filterBits)
	}
	db, err := pebble.Open(dir, options)
	if err != nil {
		cache.Unref()
		return nil, fmt.Errorf("open MongoDB data directory %s (is another server using it?): %w", dir, err)
	}
	return &Store{db: db, cache: cache}, nil
}

// Close flushes and closes. Every Documents must have been closed before.
func (s *Store) Close() error {
	defer s.cache.Unref()
	return errors.Join(s.db.Flush(), s.db.Close())
}

// Read runs fn on what is committed now; writes going on meanwhile do not show. Documents that fn opens may be read
// after it has returned. Its error is returned as it is.
func (s *Store) Read(fn func(View) error) error {
	snapshot := s.db.NewSnapshot()
	defer snapshot.Close()
	return fn(View{snapshot})
}

// Update runs one transaction: fn's changes are committed and on disk when Update returns nil, and are dropped when fn
// returns an error, which Update returns as it is.
func (s *Store) Update(fn func(*Tx) error) error {
	s.write.Lock()
	defer s.write.Unlock()
	batch := s.db.NewIndexedBatch()
	defer batch.Close()
	tx := &Tx{View: View{batch}, batch: batch, next: map[uint32]uint64{}, known: map[Namespace]Collection{}}
	if err := fn(tx); err != nil {
		return err
	}
	if batch.Empty() {
		return nil
	}
	if err := batch.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// View is one state of documents and catalog; inside a transaction it includes the transaction's own changes.
type View struct{ reader pebble.Reader }

// scan visits keys that begin with prefix in order until visit returns false. Keys and values are only good during the
// visit.
func (v View) scan(prefix []byte, visit func(key, value []byte) (bool, error)) error {
	iterator, err := v.reader.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	defer iterator.Close()
	for ok := iterator.First(); ok; ok = iterator.Next() {
		more, err := visit(iterator.Key(), iterator.Value())
		if err != nil || !more {
			return err
		}
	}
	return iterator.Error()
}

// Find looks a record up in a unique index by its equality key.
func (v View) Find(c Collection, x Index, key []byte) (record uint64, found bool, err error) {
	value, closer, err := v.reader.Get(indexKey(c.Number, x.Number, key))
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read index %s of %s: %w", x.Name, c.Namespace, err)
	}
	defer closer.Close()
	return binary.BigEndian.Uint64(value), true, nil
}

// Document reads one record. It is nil when there is none.
func (v View) Document(c Collection, record uint64) (bsoncore.Document, error) {
	value, closer, err := v.reader.Get(documentKey(c.Number, record))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read document of %s: %w", c.Namespace, err)
	}
	defer closer.Close()
	return append(bsoncore.Document(nil), value...), nil
}

// Count is the number of documents.
func (v View) Count(c Collection) (int64, error) {
	var n int64
	err := v.scan(collectionKey(documentPrefix, c.Number), func(_, _ []byte) (bool, error) {
		n++
		return true, nil
	})
	return n, err
}

// pebbleLog sends pebble's messages to the server's log, the chatty ones as debug.
type pebbleLog struct{ *slog.Logger }

func (l pebbleLog) Infof(format string, args ...any) {
	l.Debug(fmt.Sprintf("pebble: "+format, args...))
}

func (l pebbleLog) Errorf(format string, args ...any) {
	l.Error(fmt.Sprintf("pebble: "+format, args...))
}

// Fatalf is called when pebble cannot go on, for example when the disk is gone. It must not return.
func (l pebbleLog) Fatalf(format string, args ...any) { panic(fmt.Sprintf("pebble: "+format, args...)) }
