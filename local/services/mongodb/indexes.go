package mongodb

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/failure"
	"feedstream/local/services/mongodb/internal/query"
	"feedstream/local/services/mongodb/internal/store"
)

// indexOptions are the options of one index. Those that would hide documents from it, let it delete some or compare
// otherwise are refused.
var indexOptions = map[string]option{
	"key": used, "name": used, "unique": used, "v": ignored, "background": ignored, "hidden": ignored, "ns": ignored,
	"sparse": off, "partialFilterExpression": off, "expireAfterSeconds": off, "collation": off,
	"wildcardProjection": off, "prepareUnique": off,
}

// createIndexes makes indexes that do not exist yet. Unique ones are enforced and looked up; plain ones are accepted
// and listed, since without them every answer is the same, and the reply's note says so.
func (s *Server) createIndexes(r *request) (bson.D, error) {
	ns, err := r.namespace()
	if err != nil {
		return nil, err
	}
	specs, err := r.documents("indexes")
	if err != nil {
		return nil, err
	}
	var before, after int32
	var existed bool
	err = s.store.Update(func(tx *store.Tx) error {
		var c store.Collection
		if c, existed, err = tx.Collection(ns); err != nil {
			return err
		}
		if !existed {
			if c, err = tx.Create(ns); err != nil {
				return err
			}
		}
		before = int32(len(c.Indexes))
		for _, spec := range specs {
			x, err := parseIndex(spec)
			if err != nil {
				return err
			}
			if c, err = addIndex(tx, c, x); err != nil {
				return err
			}
		}
		after = int32(len(c.Indexes))
		return nil
	})
	if err != nil {
		return nil, err
	}
	reply := bson.D{
		{Key: "numIndexesBefore", Value: before}, {Key: "numIndexesAfter", Value: after},
		{Key: "createdCollectionAutomatically", Value: !existed},
	}
	if before == after {
		return append(reply, bson.E{Key: "note", Value: "all indexes already exist"}), nil
	}
	return append(reply, bson.E{Key: "note", Value: "embedded MongoDB: only unique indexes are used for lookups"}), nil
}

func parseIndex(spec bsoncore.Document) (store.Index, error) {
	if err := checkOptions("createIndexes.indexes", spec, indexOptions, false); err != nil {
		return store.Index{}, err
	}
	key, err := documentOf(query.Lookup(spec, "key"), "key")
	if err != nil {
		return store.Index{}, err
	}
	normal := bsoncore.NewDocumentBuilder()
	n := 0
	err = query.Elements(key, func(path string, v bsoncore.Value) error {
		n++
		if strings.Contains(path, "$") {
			return failure.Unsupported("the index on %q", path)
		}
		direction := query.Direction(v)
		if direction == 0 {
			return failure.Unsupported("the index %s: %s (only 1 and -1 are)", path, v)
		}
		normal.AppendInt32(path, int32(direction))
		return nil
	})
	if err != nil {
		return store.Index{}, err
	}
	if n == 0 {
		return store.Index{}, failure.New(failure.CannotCreateIndex, "Index keys cannot be an empty object")
	}
	x := store.Index{Key: bson.Raw(normal.Build()), Unique: flagOf(query.Lookup(spec, "unique"), false)}
	x.Name, _ = query.Lookup(spec, "name").StringValueOK()
	if x.Name == "" {
		return store.Index{}, failure.New(failure.FailedToParse,
			"The 'name' field is a required property of an index specification")
	}
	return x, nil
}

// addIndex adds an index unless the very same one exists.
func addIndex(tx *store.Tx, c store.Collection, x store.Index) (store.Collection, error) {
	idOnly := slices.Equal(x.Fields(), []string{"_id"})
	for _, present := range c.Indexes {
		switch {
		case present.Same(x) && (idOnly || present.Name == x.Name && present.Unique == x.Unique):
			return c, nil
		case present.Same(x):
			return c, failure.New(failure.IndexOptionsConflict,
				"Index already exists with a different name or options: %s", present.Name)
		case present.Name == x.Name:
			return c, failure.New(failure.IndexKeySpecsConflict,
				"An existing index has the same name as the requested index: %s", x.Name)
		}
	}
	return tx.AddIndex(c, x)
}

func (s *Server) listIndexes(r *request) (bson.D, error) {
	ns, err := r.namespace()
	if err != nil {
		return nil, err
	}
	var c store.Collection
	err = s.store.Read(func(view store.View) error {
		var exists bool
		if c, exists, err = view.Collection(ns); err == nil && !exists {
			err = namespaceNotFound(ns)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	batch := bson.A{}
	for _, x := range c.Indexes {
		entry := bson.D{{Key: "v", Value: int32(2)}, {Key: "key", Value: x.Key}, {Key: "name", Value: x.Name}}
		if x.Unique && x.Name != store.IDIndex {
			entry = append(entry, bson.E{Key: "unique", Value: true})
		}
		batch = append(batch, entry)
	}
	return cursorReply(0, ns, "firstBatch", batch), nil
}

// dropIndexes drops one index by name or key, or with "*" all but the one on _id.
func (s *Server) dropIndexes(r *request) (bson.D, error) {
	ns, err := r.namespace()
	if err != nil {
		return nil, err
	}
	before := int32(0)
	err = s.store.Update(func(tx *store.Tx) error {
		c, exists, err := tx.Collection(ns)
		if err != nil {
			return err
		}
		if !exists {
			return namespaceNotFound(ns)
		}
		before = int32(len(c.Indexes))
		names, err := chosenIndexes(c, r.option("index"))
		if err != nil {
			return err
		}
		for _, name := range names {
			if c, err = tx.DropIndex(c, name); err != nil {
				return err
			}
		}
		return nil
	})
	return bson.D{{Key: "nIndexesWas", Value: before}}, err
}

func chosenIndexes(c store.Collection, choice bsoncore.Value) ([]string, error) {
	name, isName := choice.StringValueOK()
	_, isKey := choice.DocumentOK()
	if !isName && !isKey {
		return nil, failure.New(failure.TypeMismatch, "dropIndexes: 'index' must be a name or a key, not %s", choice.Type)
	}
	var names []string
	for _, x := range c.Indexes {
		same := isKey && query.Compare(bsoncore.Value{Type: bsoncore.TypeEmbeddedDocument, Data: x.Key}, choice) == 0
		if name == "*" && x.Name != store.IDIndex || isName && x.Name == name || same {
			names = append(names, x.Name)
		}
	}
	if slices.Contains(names, store.IDIndex) {
		return nil, failure.New(failure.InvalidOptions, "cannot drop _id index")
	}
	if len(names) == 0 && name != "*" {
		return nil, failure.New(failure.IndexNotFound, "index not found with name or key [%s]", choice)
	}
	return names, nil
}
