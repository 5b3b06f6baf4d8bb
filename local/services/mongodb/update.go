package mongodb

import (
	"bytes"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/failure"
	"feedstream/local/services/mongodb/internal/query"
	"feedstream/local/services/mongodb/internal/store"
)

var updateOptions = map[string]option{
	"q": used, "u": used, "multi": used, "upsert": used, "c": off, "collation": off, "arrayFilters": off, "hint": ignored,
	"upsertSupplied": off,
}

// updateStatement is one compiled entry of an update command.
type updateStatement struct {
	filter        *query.Filter
	update        *query.Update
	multi, upsert bool
}

func compileStatement(statement bsoncore.Document) (u updateStatement, err error) {
	if err := checkOptions("update.updates", statement, updateOptions, false); err != nil {
		return u, err
	}
	if u.filter, err = filterOf(statement, "q"); err != nil {
		return u, err
	}
	if u.update, err = query.CompileUpdate(query.Lookup(statement, "u")); err != nil {
		return u, err
	}
	u.multi = flagOf(query.Lookup(statement, "multi"), false)
	u.upsert = flagOf(query.Lookup(statement, "upsert"), false)
	if u.multi && u.update.IsReplacement() {
		return u, failure.New(failure.FailedToParse, "multi update is not supported for replacement-style update")
	}
	return u, nil
}

func (s *Server) update(r *request) (bson.D, error) {
	ns, err := r.namespace()
	if err != nil {
		return nil, err
	}
	n, modified := int32(0), int32(0)
	var upserted bson.A
	failures, err := s.each(r, "updates", func(tx *store.Tx, index int, statement bsoncore.Document) error {
		u, err := compileStatement(statement)
		if err != nil {
			return err
		}
		c, found, err := tx.Collection(ns)
		if err != nil {
			return err
		}
		matches := []uint64{}
		if found {
			if matches, err = find(tx.View, c, u.filter, map[bool]int{false: 1, true: 0}[u.multi]); err != nil {
				return err
			}
		}
		if len(matches) == 0 && u.upsert {
			id, err := u.insert(tx, ns)
			if err != nil {
				return err
			}
			n++
			upserted = append(upserted, bson.D{
				{Key: "index", Value: int32(index)},
				{Key: "_id", Value: bson.RawValue{Type: bson.Type(id.Type), Value: id.Data}},
			})
			return nil
		}
		for _, record := range matches {
			changed, err := u.replace(tx, c, record)
			if err != nil {
				return err
			}
			n++
			if changed {
				modified++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	reply := bson.D{{Key: "n", Value: n}, {Key: "nModified", Value: modified}}
	if len(upserted) > 0 {
		reply = append(reply, bson.E{Key: "upserted", Value: upserted})
	}
	return writeReply(reply, failures), nil
}

// replace updates one record and says whether its document changed.
func (u updateStatement) replace(tx *store.Tx, c store.Collection, record uint64) (bool, error) {
	old, err := tx.Document(c, record)
	if err != nil {
		return false, err
	}
	document, err := u.update.Apply(old, false)
	if err != nil {
		return false, err
	}
	if bytes.Equal(old, document) {
		return false, nil
	}
	if document, err = identified(document); err != nil {
		return false, err
	}
	return true, tx.Replace(c, record, old, document)
}

// insert is the upsert: the query's equalities, changed by the update. It answers the new document's _id.
func (u updateStatement) insert(tx *store.Tx, ns store.Namespace) (bsoncore.Value, error) {
	seed, err := u.seed()
	if err != nil {
		return bsoncore.Value{}, err
	}
	document, err := u.update.Apply(seed, true)
	if err != nil {
		return bsoncore.Value{}, err
	}
	if document, err = identified(document); err != nil {
		return bsoncore.Value{}, err
	}
	c, err := ensure(tx, ns)
	if err != nil {
		return bsoncore.Value{}, err
	}
	return query.Lookup(document, "_id"), tx.Insert(c, document)
}

// seed leaves out everything but _id when a whole document is to take its place.
func (u updateStatement) seed() (bsoncore.Document, error) {
	equalities := u.filter.Equalities()
	if u.update.IsReplacement() {
		var id []query.Equality
		for _, e := range equalities {
			if e.Path == "_id" {
				id = append(id, e)
			}
		}
		equalities = id
	}
	return query.Seed(equalities)
}
