package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/failure"
	"feedstream/local/services/mongodb/internal/query"
)

// IDIndex is the name of the index every collection has on _id.
const IDIndex = "_id_"

// Tx is a running transaction. It reads its own writes.
type Tx struct {
	View
	batch *pebble.Batch
	next  map[uint32]uint64 // next record by collection number
}

// Create makes a collection. It must not exist.
func (t *Tx) Create(ns Namespace) (Collection, error) {
	number, err := t.nextCollection()
	if err != nil {
		return Collection{}, err
	}
	c := Collection{Namespace: ns, Number: number, Indexes: []Index{{
		Name: IDIndex, Unique: true, Key: bson.Raw(bsoncore.BuildDocument(nil, bsoncore.AppendInt32Element(nil, "_id", 1))),
	}}}
	return c, t.save(c)
}

func (t *Tx) nextCollection() (uint32, error) {
	var number uint32
	value, closer, err := t.batch.Get([]byte{counterPrefix})
	switch {
	case err == nil:
		number = binary.BigEndian.Uint32(value)
		closer.Close()
	case !errors.Is(err, pebble.ErrNotFound):
		return 0, fmt.Errorf("read collection counter: %w", err)
	}
	number++
	return number, t.batch.Set([]byte{counterPrefix}, binary.BigEndian.AppendUint32(nil, number), nil)
}

func (t *Tx) save(c Collection) error {
	raw, err := bson.Marshal(c)
	if err != nil {
		return fmt.Errorf("write catalog entry of %s: %w", c.Namespace, err)
	}
	return t.batch.Set(catalogKey(c.Namespace), raw, nil)
}

// Drop removes a collection with its documents and indexes.
func (t *Tx) Drop(c Collection) error {
	documents, indexes := collectionKey(documentPrefix, c.Number), collectionKey(indexPrefix, c.Number)
	return errors.Join(
		t.batch.Delete(catalogKey(c.Namespace), nil),
		t.batch.DeleteRange(documents, after(documents), nil),
		t.batch.DeleteRange(indexes, after(indexes), nil),
	)
}

// Rename gives a collection another name, which must be free. Documents and indexes stay where they are.
func (t *Tx) Rename(c Collection, to Namespace) error {
	if err := t.batch.Delete(catalogKey(c.Namespace), nil); err != nil {
		return err
	}
	c.Namespace = to
	return t.save(c)
}

// Insert adds a document, which must have an _id. A value that a unique index already holds is a *failure.Error, and
// nothing of the document stays in the transaction.
func (t *Tx) Insert(c Collection, document bsoncore.Document) error {
	record, err := t.nextRecord(c)
	if err != nil {
		return err
	}
	keys, err := t.reserve(c, document, record, false)
	if err != nil {
		return err
	}
	t.next[c.Number] = record + 1
	return t.put(c, record, document, keys)
}

// Replace exchanges the document of a record.
func (t *Tx) Replace(c Collection, record uint64, old, document bsoncore.Document) error {
	keys, err := t.reserve(c, document, record, true)
	if err != nil {
		return err
	}
	if err := t.forget(c, old); err != nil {
		return err
	}
	return t.put(c, record, document, keys)
}

// Delete removes a record.
func (t *Tx) Delete(c Collection, record uint64, document bsoncore.Document) error {
	if err := t.forget(c, document); err != nil {
		return err
	}
	return t.batch.Delete(documentKey(c.Number, record), nil)
}

// reserve computes the index keys of a document and checks that no other record holds one of them.
func (t *Tx) reserve(c Collection, document bsoncore.Document, record uint64, exists bool) ([][]byte, error) {
	var keys [][]byte
	for _, x := range c.Indexes {
		if !x.Unique {
			continue
		}
		values, err := query.IndexKeys(document, x.Fields())
		if err != nil {
			return nil, err
		}
		for _, value := range values {
			holder, found, err := t.Find(c, x, value)
			if err != nil {
				return nil, err
			}
			if found && (!exists || holder != record) {
				return nil, duplicate(c, x, document)
			}
			keys = append(keys, indexKey(c.Number, x.Number, value))
		}
	}
	return keys, nil
}

func (t *Tx) put(c Collection, record uint64, document bsoncore.Document, keys [][]byte) error {
	value := binary.BigEndian.AppendUint64(nil, record)
	for _, key := range keys {
		if err := t.batch.Set(key, value, nil); err != nil {
			return err
		}
	}
	return t.batch.Set(documentKey(c.Number, record), document, nil)
}

// forget removes a document's index keys.
func (t *Tx) forget(c Collection, document bsoncore.Document) error {
	for _, x := range c.Indexes {
		if !x.Unique {
			continue
		}
		values, err := query.IndexKeys(document, x.Fields())
		if err != nil {
			return err
		}
		for _, value := range values {
			if err := t.batch.Delete(indexKey(c.Number, x.Number, value), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// nextRecord is the record behind the collection's last one.
func (t *Tx) nextRecord(c Collection) (uint64, error) {
	if next, ok := t.next[c.Number]; ok {
		return next, nil
	}
	prefix := collectionKey(documentPrefix, c.Number)
	iterator, err := t.batch.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", c.Namespace, err)
	}
	defer iterator.Close()
	if !iterator.Last() {
		return 1, iterator.Error()
	}
	key := iterator.Key()
	return binary.BigEndian.Uint64(key[len(key)-8:]) + 1, nil
}

func duplicate(c Collection, x Index, document bsoncore.Document) error {
	value := bsoncore.NewDocumentBuilder()
	for _, field := range x.Fields() {
		v := query.At(document, field)
		if v.Type == 0 {
			value.AppendNull(field)
			continue
		}
		value.AppendValue(field, v)
	}
	keyValue := value.Build()
	e := failure.New(failure.DuplicateKey, "E11000 duplicate key error collection: %s index: %s dup key: %s",
		c.Namespace, x.Name, keyValue)
	e.KeyPattern, e.KeyValue = bsoncore.Document(x.Key), keyValue
	return e
}

// AddIndex builds an index over the documents there are. When a unique one meets two equal values it fails like an
// insert, and the transaction has to be dropped.
func (t *Tx) AddIndex(c Collection, x Index) (Collection, error) {
	c.LastIndex++
	x.Number = c.LastIndex
	c.Indexes = append(c.Indexes[:len(c.Indexes):len(c.Indexes)], x)
	if x.Unique {
		if err := t.build(c, x); err != nil {
			return c, err
		}
	}
	return c, t.save(c)
}

func (t *Tx) build(c Collection, x Index) error {
	documents, err := t.Documents(c)
	if err != nil {
		return err
	}
	defer documents.Close()
	only := Collection{Namespace: c.Namespace, Number: c.Number, Indexes: []Index{x}}
	for documents.Next() {
		record := binary.BigEndian.AppendUint64(nil, documents.Record())
		keys, err := t.reserve(only, documents.Document(), documents.Record(), true)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if err := t.batch.Set(key, record, nil); err != nil {
				return err
			}
		}
	}
	return documents.Err()
}

// DropIndex removes an index by name. The one on _id stays: asking to drop it is the caller's error to find.
func (t *Tx) DropIndex(c Collection, name string) (Collection, error) {
	kept := make([]Index, 0, len(c.Indexes))
	for _, x := range c.Indexes {
		if x.Name != name {
			kept = append(kept, x)
			continue
		}
		bounds := indexBounds(c.Number, x.Number)
		if err := t.batch.DeleteRange(bounds, after(bounds), nil); err != nil {
			return c, err
		}
	}
	c.Indexes = kept
	return c, t.save(c)
}

// Same says whether two indexes are on the same fields in the same directions.
func (x Index) Same(y Index) bool { return bytes.Equal(x.Key, y.Key) }
