package mongodb

import (
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"feedstream/local/services/mongodb/internal/failure"
	"feedstream/local/services/mongodb/internal/query"
	"feedstream/local/services/mongodb/internal/store"
	"feedstream/local/services/mongodb/internal/wire"
)

// request is one command as it came.
type request struct {
	name       string
	argument   bsoncore.Value // the value beside the name: mostly the collection
	database   string
	body       bsoncore.Document
	sequences  []wire.Sequence
	connection int32
}

func newRequest(message *wire.Message, connection int32) (*request, error) {
	r := &request{database: message.Database, body: message.Body, sequences: message.Sequences, connection: connection}
	first, err := message.Body.IndexErr(0)
	if err != nil {
		return nil, failure.New(failure.FailedToParse, "the message holds no command")
	}
	r.name, r.argument = first.Key(), first.Value()
	if r.database == "" {
		r.database, _ = r.option("$db").StringValueOK()
	}
	if err := checkDatabase(r.database); err != nil {
		return nil, err
	}
	return r, nil
}

func checkDatabase(name string) error {
	if name == "" || len(name) > 63 || strings.ContainsAny(name, "/\\. \"$\x00") {
		return failure.New(failure.InvalidNamespace, "invalid database name: '%s'", name)
	}
	return nil
}

// collection is the command's argument when it names a collection.
func (r *request) collection() string {
	if r.name == "getMore" {
		name, _ := r.option("collection").StringValueOK()
		return name
	}
	name, _ := r.argument.StringValueOK()
	return name
}

// namespace is the collection the command is about, its name checked.
func (r *request) namespace() (store.Namespace, error) {
	ns := store.Namespace{Database: r.database, Collection: r.collection()}
	return ns, checkCollection(ns.Collection)
}

func checkCollection(name string) error {
	if name == "" || len(name) > 200 || strings.ContainsAny(name, "$\x00") || name[0] == '.' || name[len(name)-1] == '.' ||
		strings.HasPrefix(name, "system.") {
		return failure.New(failure.InvalidNamespace, "invalid collection name: '%s'", name)
	}
	return nil
}

// option is the value of the body's field, without type when absent.
func (r *request) option(name string) bsoncore.Value { return query.Lookup(r.body, name) }

// number reads an option that counts something. An absent or null one is fallback; a negative one is an error.
func (r *request) number(name string, fallback int64) (int64, error) {
	v := r.option(name)
	if v.Type == 0 || v.Type == bsoncore.TypeNull {
		return fallback, nil
	}
	n, ok := wholeNumber(v)
	if !ok {
		return 0, failure.New(failure.TypeMismatch, "%s: '%s' must be a whole number, not %s", r.name, name, v)
	}
	if n < 0 {
		return 0, failure.New(failure.BadValue, "%s: '%s' must not be negative, it is %d", r.name, name, n)
	}
	return n, nil
}

// wholeNumber is v as an integer when v is a number without fraction.
func wholeNumber(v bsoncore.Value) (int64, bool) {
	if f, ok := v.DoubleOK(); ok {
		return int64(f), f == float64(int64(f))
	}
	return v.AsInt64OK()
}

// flag reads a boolean option; numbers count as MongoDB counts them.
func (r *request) flag(name string, fallback bool) bool { return flagOf(r.option(name), fallback) }

func flagOf(v bsoncore.Value, fallback bool) bool {
	if b, ok := v.BooleanOK(); ok {
		return b
	}
	if n, ok := wholeNumber(v); ok {
		return n != 0
	}
	return fallback
}

// document reads an option that is a document. An absent or null one is nil.
func (r *request) document(name string) (bsoncore.Document, error) {
	return documentOf(r.option(name), r.name+"."+name)
}

func documentOf(v bsoncore.Value, name string) (bsoncore.Document, error) {
	if v.Type == 0 || v.Type == bsoncore.TypeNull {
		return nil, nil
	}
	document, ok := v.DocumentOK()
	if !ok {
		return nil, failure.New(failure.TypeMismatch, "'%s' must be a document, not %s", name, v.Type)
	}
	return document, nil
}

// documents reads a list of documents, from the body or from a document sequence.
func (r *request) documents(name string) ([]bsoncore.Document, error) {
	var list []bsoncore.Document
	for _, sequence := range r.sequences {
		if sequence.Field == name {
			list = sequence.Documents
		}
	}
	v := r.option(name)
	if list == nil && v.Type == bsoncore.TypeArray {
		err := query.Elements(v.Data, func(key string, item bsoncore.Value) error {
			document, err := documentOf(item, fmt.Sprintf("%s.%s.%s", r.name, name, key))
			list = append(list, document)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(list) == 0 || len(list) > maxWriteBatch {
		return nil, failure.New(failure.BadValue, "%s: '%s' must hold 1 to %d documents, it holds %d",
			r.name, name, maxWriteBatch, len(list))
	}
	return list, nil
}
