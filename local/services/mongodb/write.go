package mongodb

import (
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/failure"
	"feedstream/local/services/mongodb/internal/query"
	"feedstream/local/services/mongodb/internal/store"
)

func writeOptions(statements string) map[string]option {
	return map[string]option{
		statements: used, "ordered": used, "bypassDocumentValidation": off, "let": off, "bypassEmptyTsReplacement": ignored,
	}
}

// each runs one write command's statements in a single transaction. A statement's own failure is noted under its
// index and ends the command when it is ordered; the statements before it count. Any other error undoes them all.
func (s *Server) each(
	r *request, field string, write func(tx *store.Tx, index int, statement bsoncore.Document) error,
) (bson.A, error) {
	statements, err := r.documents(field)
	if err != nil {
		return nil, err
	}
	ordered := r.flag("ordered", true)
	var failures bson.A
	err = s.store.Update(func(tx *store.Tx) error {
		for i, statement := range statements {
			err := write(tx, i, statement)
			var f *failure.Error
			if err != nil && !errors.As(err, &f) {
				return err
			}
			if f == nil {
				continue
			}
			failures = append(failures, writeError(i, f))
			if ordered {
				return nil
			}
		}
		return nil
	})
	return failures, err
}

func writeError(index int, f *failure.Error) bson.D {
	e := bson.D{{Key: "index", Value: int32(index)}, {Key: "code", Value: int32(f.Code)}}
	return append(append(e, keyDetails(f)...), bson.E{Key: "errmsg", Value: f.Message})
}

func writeReply(reply bson.D, failures bson.A) bson.D {
	if len(failures) > 0 {
		reply = append(reply, bson.E{Key: "writeErrors", Value: failures})
	}
	return reply
}

func (s *Server) insert(r *request) (bson.D, error) {
	ns, err := r.namespace()
	if err != nil {
		return nil, err
	}
	n := int32(0)
	failures, err := s.each(r, "documents", func(tx *store.Tx, _ int, document bsoncore.Document) error {
		c, err := ensure(tx, ns)
		if err != nil {
			return err
		}
		document, err = identified(document)
		if err != nil {
			return err
		}
		if err := tx.Insert(c, document); err != nil {
			return err
		}
		n++
		return nil
	})
	if err != nil {
		return nil, err
	}
	return writeReply(bson.D{{Key: "n", Value: n}}, failures), nil
}

// ensure finds a collection or makes it, as every write does.
func ensure(tx *store.Tx, ns store.Namespace) (store.Collection, error) {
	c, found, err := tx.Collection(ns)
	if err != nil || found {
		return c, err
	}
	return tx.Create(ns)
}

// identified gives the document an _id when it has none, moves it to the front and checks its type and the size.
func identified(document bsoncore.Document) (bsoncore.Document, error) {
	id := query.Lookup(document, "_id")
	switch id.Type {
	case 0:
		oid := bson.NewObjectID()
		id = bsoncore.Value{Type: bsoncore.TypeObjectID, Data: oid[:]}
	case bsoncore.TypeArray, bsoncore.TypeRegex, bsoncore.TypeUndefined:
		return nil, failure.New(failure.InvalidIDField, "The '_id' value cannot be of type %s", id.Type)
	}
	if first, err := document.IndexErr(0); err != nil || first.Key() != "_id" {
		document = query.WithID(document, id)
	}
	if len(document) > maxDocument {
		return nil, failure.New(failure.BSONObjectTooLarge, "object to insert too large. size in bytes: %d, max size: %d",
			len(document), maxDocument)
	}
	return document, nil
}

var deleteOptions = map[string]option{"q": used, "limit": used, "collation": off, "hint": ignored}

func (s *Server) delete(r *request) (bson.D, error) {
	ns, err := r.namespace()
	if err != nil {
		return nil, err
	}
	n := int32(0)
	failures, err := s.each(r, "deletes", func(tx *store.Tx, _ int, statement bsoncore.Document) error {
		if err := checkOptions("delete.deletes", statement, deleteOptions, false); err != nil {
			return err
		}
		limit, ok := wholeNumber(query.Lookup(statement, "limit"))
		if !ok || limit < 0 || limit > 1 {
			return failure.New(failure.FailedToParse, "The limit field in delete objects must be 0 or 1")
		}
		filter, err := filterOf(statement, "q")
		if err != nil {
			return err
		}
		c, found, err := tx.Collection(ns)
		if err != nil || !found {
			return err
		}
		matches, err := find(tx.View, c, filter, int(limit))
		if err != nil {
			return err
		}
		for _, record := range matches {
			document, err := tx.Document(c, record)
			if err != nil {
				return err
			}
			if err := tx.Delete(c, record, document); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return writeReply(bson.D{{Key: "n", Value: n}}, failures), nil
}

func filterOf(statement bsoncore.Document, name string) (*query.Filter, error) {
	filter, err := documentOf(query.Lookup(statement, name), name)
	if err != nil {
		return nil, err
	}
	return query.CompileFilter(filter)
}
