package mongodb

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/failure"
	"feedstream/local/services/mongodb/internal/query"
	"feedstream/local/services/mongodb/internal/store"
)

var (
	createOptions = map[string]option{
		"capped": off, "size": off, "max": off, "validator": off, "validationLevel": off, "validationAction": off,
		"viewOn": off, "pipeline": off, "collation": off, "timeseries": off, "expireAfterSeconds": off,
		"clusteredIndex": off, "storageEngine": off, "indexOptionDefaults": off, "encryptedFields": off,
		"changeStreamPreAndPostImages": off, "autoIndexId": off,
	}
	listCollectionsOptions = map[string]option{
		"filter": used, "cursor": used, "nameOnly": used, "authorizedCollections": ignored,
	}
	listDatabasesOptions = map[string]option{
		"filter": used, "nameOnly": used, "authorizedDatabases": ignored,
	}
)

func namespaceNotFound(ns store.Namespace) error {
	return failure.New(failure.NamespaceNotFound, "ns does not exist: %s", ns)
}

func (s *Server) create(r *request) (bson.D, error) {
	ns, err := r.namespace()
	if err != nil {
		return nil, err
	}
	return nil, s.store.Update(func(tx *store.Tx) error {
		_, exists, err := tx.Collection(ns)
		if err != nil {
			return err
		}
		if exists {
			return failure.New(failure.NamespaceExists, "Collection %s already exists.", ns)
		}
		_, err = tx.Create(ns)
		return err
	})
}

func (s *Server) drop(r *request) (bson.D, error) {
	ns, err := r.namespace()
	if err != nil {
		return nil, err
	}
	indexes := int32(0)
	err = s.store.Update(func(tx *store.Tx) error {
		c, exists, err := tx.Collection(ns)
		if err != nil || !exists {
			return err
		}
		indexes = int32(len(c.Indexes))
		return tx.Drop(c)
	})
	return bson.D{{Key: "nIndexesWas", Value: indexes}, {Key: "ns", Value: ns.String()}}, err
}

func (s *Server) dropDatabase(r *request) (bson.D, error) {
	if r.database == "admin" || r.database == "config" || r.database == "local" {
		return nil, failure.New(failure.IllegalOperation, "Dropping the '%s' database is prohibited.", r.database)
	}
	err := s.store.Update(func(tx *store.Tx) error {
		all, err := tx.Namespaces(r.database)
		if err != nil {
			return err
		}
		for _, ns := range all {
			c, _, err := tx.Collection(ns)
			if err != nil {
				return err
			}
			if err := tx.Drop(c); err != nil {
				return err
			}
		}
		return nil
	})
	return bson.D{{Key: "dropped", Value: r.database}}, err
}

// renameCollection renames in one step; with dropTarget a collection of the new name gives way in that same step, so
// a reader finds either the old documents or the new ones.
func (s *Server) renameCollection(r *request) (bson.D, error) {
	if r.database != "admin" {
		return nil, failure.New(failure.Unauthorized, "renameCollection may only be run against the admin database.")
	}
	from, err := parseNamespace(r.argument)
	if err != nil {
		return nil, err
	}
	to, err := parseNamespace(r.option("to"))
	if err != nil {
		return nil, err
	}
	if from == to {
		return nil, failure.New(failure.IllegalOperation, "Can't rename a collection to itself")
	}
	return nil, s.store.Update(func(tx *store.Tx) error {
		source, exists, err := tx.Collection(from)
		if err != nil {
			return err
		}
		if !exists {
			return failure.New(failure.NamespaceNotFound, "Source collection %s does not exist", from)
		}
		target, taken, err := tx.Collection(to)
		if err != nil {
			return err
		}
		if taken && !r.flag("dropTarget", false) {
			return failure.New(failure.NamespaceExists, "target namespace exists")
		}
		if taken {
			if err := tx.Drop(target); err != nil {
				return err
			}
		}
		return tx.Rename(source, to)
	})
}

func parseNamespace(v bsoncore.Value) (store.Namespace, error) {
	name, ok := v.StringValueOK()
	if !ok {
		return store.Namespace{}, failure.New(failure.TypeMismatch, "a namespace must be a string, not %s", v.Type)
	}
	database, collection, _ := strings.Cut(name, ".")
	if err := checkDatabase(database); err != nil {
		return store.Namespace{}, err
	}
	return store.Namespace{Database: database, Collection: collection}, checkCollection(collection)
}

func (s *Server) listCollections(r *request) (bson.D, error) {
	filter, err := filterOf(r.body, "filter")
	if err != nil {
		return nil, err
	}
	all, err := s.namespaces(r.database)
	if err != nil {
		return nil, err
	}
	var entries []any
	for _, ns := range all {
		entry := bson.D{{Key: "name", Value: ns.Collection}, {Key: "type", Value: "collection"}}
		if !r.flag("nameOnly", false) {
			entry = append(entry, bson.D{
				{Key: "options", Value: bson.D{}},
				{Key: "info", Value: bson.D{{Key: "readOnly", Value: false}}},
				{Key: "idIndex", Value: bson.D{
					{Key: "v", Value: int32(2)}, {Key: "key", Value: bson.D{{Key: "_id", Value: int32(1)}}},
					{Key: "name", Value: store.IDIndex},
				}},
			}...)
		}
		entries = append(entries, entry)
	}
	batch, err := matching(entries, filter)
	list := store.Namespace{Database: r.database, Collection: "$cmd.listCollections"}
	return cursorReply(0, list, "firstBatch", batch), err
}

// namespaces lists the collections of a database, or of all when it is empty.
func (s *Server) namespaces(database string) (all []store.Namespace, err error) {
	err = s.store.Read(func(view store.View) error {
		all, err = view.Namespaces(database)
		return err
	})
	return all, err
}

func (s *Server) listDatabases(r *request) (bson.D, error) {
	filter, err := filterOf(r.body, "filter")
	if err != nil {
		return nil, err
	}
	all, err := s.namespaces("")
	if err != nil {
		return nil, err
	}
	var entries []any
	last := ""
	for _, ns := range all {
		if ns.Database == last {
			continue
		}
		last = ns.Database
		entry := bson.D{{Key: "name", Value: ns.Database}}
		if !r.flag("nameOnly", false) {
			entry = append(entry, bson.D{{Key: "sizeOnDisk", Value: int64(0)}, {Key: "empty", Value: false}}...)
		}
		entries = append(entries, entry)
	}
	batch, err := matching(entries, filter)
	return bson.D{{Key: "databases", Value: batch}, {Key: "totalSize", Value: int64(0)}}, err
}

// matching encodes the entries that pass the filter as one array.
func matching(entries []any, filter *query.Filter) (bson.RawValue, error) {
	array := bsoncore.NewArrayBuilder()
	for _, entry := range entries {
		document, err := bson.Marshal(entry)
		if err != nil {
			return bson.RawValue{}, err
		}
		if filter.Match(document) {
			array.AppendDocument(document)
		}
	}
	return bson.RawValue{Type: bson.TypeArray, Value: array.Build()}, nil
}
