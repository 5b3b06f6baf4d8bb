package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

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
	known map[Namespace]Collection
}

// Collection looks a collection up, as this transaction has left it.
func (t *Tx) Collection(ns Namespace) (Collection, bool, error) {
	if c, ok := t.known[ns]; ok {
		return c, true, nil
	}
	c, exists, err := t.View.Collection(ns)
	if exists {
		t.known[ns] = c
	}
	return c, exists, err
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
	t.known[c.Namespace] = c
	return t.batch.Set(catalogKey(c.Namespace), raw, nil)
}

// Drop removes a collection with its documents and indexes.
func (t *Tx) Drop(c Collection) error {
	delete(t.known, c.Namespace)
	documents, indexes := collectionKey(documentPrefix, c.Number), collectionKey(indexPrefix, c.Number)
	return errors.Join(
		t.batch.Delete(catalogKey(c.Namespace), nil),
		t.batch.DeleteRange(documents, after(documents), nil),
		t.batch.DeleteRange(indexes, after(indexes), nil),
	)
}

// Rename gives a collection another name, which must be free. Documents and indexes stay where they are.
func (t *Tx) Rename(c Collection, to Namespace) error {
	delete(t.known, c.Namespace)
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
	if err := t.index(c, record, nil, document); err != nil {
		return err
	}
	t.next[c.Number] = record + 1
	return t.batch.Set(documentKey(c.Number, record), document, nil)
}

// Replace exchanges the document of a record. It fails as Insert does, and then leaves the old one.
func (t *Tx) Replace(c Collection, record uint64, old, document bsoncore.Document) error {
	if err := t.index(c, record, old, document); err != nil {
		return err
	}
	return t.batch.Set(documentKey(c.Number, record), document, nil)
}

// Delete removes a record.
func (t *Tx) Delete(c Collection, record uint64, document bsoncore.Document) error {
	if err := t.index(c, record, document, nil); err != nil {
		return err
	}
	return t.batch.Delete(documentKey(c.Number, record), nil)
}

// index moves a record's keys in the unique indexes from those of the old document to those of the new one; nil has
// none. It checks all of them before it changes one.
func (t *Tx) index(c Collection, record uint64, old, document bsoncore.Document) error {
	var added, removed [][]byte
	for _, x := range c.Indexes {
		if !x.Unique {
			continue
		}
		before, err := x.keys(c, old)
		if err != nil {
			return err
		}
		after, err := x.keys(c, document)
		if err != nil {
			return err
		}
		for key := range after {
			if before[key] {
				delete(before, key)
				continue
			}
			taken, err := t.has([]byte(key))
			if err != nil {
				return err
			}
			if taken {
				return duplicate(c, x, document)
			}
			added = append(added, []byte(key))
		}
		for key := range before {
			removed = append(removed, []byte(key))
		}
	}
	return t.exchange(removed, added, record)
}

// keys are the store's keys of a document in an index.
func (x Index) keys(c Collection, document bsoncore.Document) (map[string]bool, error) {
	if document == nil {
		return nil, nil
	}
	values, err := query.IndexKeys(document, x.Fields())
	if err != nil {
		return nil, err
	}
	keys := make(map[string]bool, len(values))
	for _, value := range values {
		keys[string(indexKey(c.Number, x.Number, value))] = true
	}
	return keys, nil
}

func (t *Tx) has(key []byte) (bool, error) {
	_, closer, err := t.batch.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read index: %w", err)
	}
	return true, closer.Close()
}

func (t *Tx) exchange(removed, added [][]byte, record uint64) error {
	for _, key := range removed {
		if err := t.batch.Delete(key, nil); err != nil {
			return err
		}
	}
	value := binary.BigEndian.AppendUint64(nil, record)
	for _, key := range added {
		if err := t.batch.Set(key, value, nil); err != nil {
			return err
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
		if err := t.index(only, documents.Record(), nil, documents.Document()); err != nil {
			return err
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
