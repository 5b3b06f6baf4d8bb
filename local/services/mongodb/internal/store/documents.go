package store

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// Documents walks a collection in the order of insertion, as it was when the walk began: later writes, a drop or a
// rename do not show. It holds resources until closed.
type Documents struct {
	iterator *pebble.Iterator
	started  bool
}

// Documents begins a walk.
func (v View) Documents(c Collection) (*Documents, error) {
	prefix := collectionKey(documentPrefix, c.Number)
	iterator, err := v.reader.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", c.Namespace, err)
	}
	return &Documents{iterator: iterator}, nil
}

// Next moves to the next document. It returns false at the end and after an error.
func (d *Documents) Next() bool {
	if !d.started {
		d.started = true
		return d.iterator.First()
	}
	return d.iterator.Next()
}

// Document is the current document, good until the next call of Next or Close.
func (d *Documents) Document() bsoncore.Document { return d.iterator.Value() }

// Record is the current document's record.
func (d *Documents) Record() uint64 {
	key := d.iterator.Key()
	return binary.BigEndian.Uint64(key[len(key)-8:])
}

// Err is the error that ended the walk, if any.
func (d *Documents) Err() error { return d.iterator.Error() }

// Close ends the walk.
func (d *Documents) Close() error { return d.iterator.Close() }
