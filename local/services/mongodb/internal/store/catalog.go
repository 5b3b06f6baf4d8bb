package store

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// Namespace names a collection.
type Namespace struct{ Database, Collection string }

// String is "database.collection", as MongoDB writes it.
func (n Namespace) String() string { return n.Database + "." + n.Collection }

// Collection is a collection's catalog entry.
type Collection struct {
	Namespace Namespace `bson:"-"`
	Number    uint32    `bson:"number"`
	LastIndex uint32    `bson:"lastIndex"`
	Indexes   []Index   `bson:"indexes"` // the first is the one on _id
}

// Index describes one index. Only unique ones are kept as keys: others change no answer, so their description is all
// there is of them.
type Index struct {
	Number uint32   `bson:"number"`
	Name   string   `bson:"name"`
	Key    bson.Raw `bson:"key"`
	Unique bool     `bson:"unique"`
}

// Fields lists the paths the index is on, in its order.
func (x Index) Fields() []string {
	elements, _ := bsoncore.Document(x.Key).Elements()
	fields := make([]string, len(elements))
	for i, e := range elements {
		fields[i] = e.Key()
	}
	return fields
}

// Collection looks a collection up.
func (v View) Collection(ns Namespace) (Collection, bool, error) {
	raw, closer, err := v.reader.Get(catalogKey(ns))
	if errors.Is(err, pebble.ErrNotFound) {
		return Collection{}, false, nil
	}
	if err != nil {
		return Collection{}, false, fmt.Errorf("read catalog entry of %s: %w", ns, err)
	}
	defer closer.Close()
	c := Collection{Namespace: ns}
	if err := bson.Unmarshal(bytes.Clone(raw), &c); err != nil {
		return Collection{}, false, fmt.Errorf("read catalog entry of %s: %w", ns, err)
	}
	return c, true, nil
}

// Namespaces lists the collections of a database by name, or of all databases when it is empty.
func (v View) Namespaces(database string) ([]Namespace, error) {
	prefix := []byte{catalogPrefix}
	if database != "" {
		prefix = catalogBounds(database)
	}
	var all []Namespace
	err := v.scan(prefix, func(key, _ []byte) (bool, error) {
		db, collection, _ := bytes.Cut(key[1:], []byte{0})
		all = append(all, Namespace{string(db), string(collection)})
		return true, nil
	})
	return all, err
}
