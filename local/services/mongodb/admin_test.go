package mongodb_test

import (
	"context"
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"feedstream/local/services/mongodb"
)

func TestHandshake(t *testing.T) {
	t.Parallel()
	c := collection(t)
	if err := c.Database().Client().Ping(ctx, nil); err != nil {
		t.Fatal(err)
	}
	var hello struct {
		IsWritablePrimary bool
		MaxWireVersion    int32
		Compression       []string
	}
	if err := c.Database().RunCommand(ctx, d("hello", 1)).Decode(&hello); err != nil {
		t.Fatal(err)
	}
	if !hello.IsWritablePrimary || hello.MaxWireVersion != 21 || hello.Compression != nil {
		t.Errorf("hello = %+v", hello)
	}
	var info struct{ Version string }
	if err := c.Database().RunCommand(ctx, d("buildInfo", 1)).Decode(&info); err != nil || info.Version != "7.0.0" {
		t.Errorf("buildInfo = %+v, %v", info, err)
	}
}

func TestUniqueIndex(t *testing.T) {
	t.Parallel()
	c := collection(t)
	unique := func(keys bson.D) mongo.IndexModel {
		return mongo.IndexModel{Keys: keys, Options: options.Index().SetUnique(true)}
	}
	insert(t, c, d("_id", 1, "symbol", "a", "pair", d("x", 1, "y", 1)), d("_id", 2, "symbol", "b"))
	must[string](t)(c.Indexes().CreateOne(ctx, unique(d("symbol", 1))))
	must[string](t)(c.Indexes().CreateOne(ctx, unique(d("pair.x", 1, "pair.y", -1))))

	_, err := c.InsertOne(ctx, d("_id", 3, "symbol", "a", "pair", d("x", 2)))
	wantWriteError(t, err, 0, 11000)
	raw := err.(mongo.WriteException).WriteErrors[0].Raw
	equal(t, raw.Lookup("keyPattern").Document().String(), `{"symbol": {"$numberInt":"1"}}`)
	equal(t, raw.Lookup("keyValue").Document().String(), `{"symbol": "a"}`)
	_, err = c.InsertOne(ctx, d("_id", 3, "symbol", "c"))
	wantWriteError(t, err, 0, 11000) // pair.x and pair.y are null once already
	_, err = c.InsertOne(ctx, d("_id", 3, "symbol", "c", "pair", d("x", int64(1), "y", 1.0)))
	wantWriteError(t, err, 0, 11000)
	insert(t, c, d("_id", 3, "symbol", bson.A{"c", "d"}, "pair", d("x", 3)))
	_, err = c.UpdateOne(ctx, d("_id", 2), d("$set", d("symbol", "d")))
	wantWriteError(t, err, 0, 11000)
	equal(t, ids(t, c, d("symbol", "d")), []any{int32(3)})
	must[*mongo.UpdateResult](t)(c.UpdateOne(ctx, d("_id", 3), d("$set", d("symbol", "e"))))
	must[*mongo.UpdateResult](t)(c.UpdateOne(ctx, d("_id", 2), d("$set", d("symbol", "d"))))
	equal(t, ids(t, c, d("symbol", "d")), []any{int32(2)})
	equal(t, ids(t, c, d("symbol", "c")), []any{})

	insert(t, c, d("_id", 4, "symbol", "z", "n", 1, "pair", d("x", 4)), d("_id", 5, "symbol", "zz", "n", 1, "pair", d("x", 5)))
	_, err = c.Indexes().CreateOne(ctx, unique(d("n", 1)))
	wantCode(t, err, 11000)

	if err := c.Indexes().DropOne(ctx, "symbol_1"); err != nil {
		t.Fatal(err)
	}
	insert(t, c, d("_id", 6, "symbol", "a", "pair", d("x", 6)))
	equal(t, ids(t, c, d("symbol", "a")), []any{int32(1), int32(6)})
}

func TestIndexes(t *testing.T) {
	t.Parallel()
	c := collection(t)
	create := func(keys bson.D, o *options.IndexOptionsBuilder) error {
		_, err := c.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: keys, Options: o})
		return err
	}
	for range 2 { // the second time is not an error
		if err := create(d("a", 1, "b", -1), nil); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, create(d("a", 1, "b", -1), options.Index().SetUnique(true)), 85)
	wantCode(t, create(d("c", 1), options.Index().SetName("a_1_b_-1")), 86)
	wantCode(t, create(d("c", "text"), nil), 238)
	wantCode(t, create(d("c", "hashed"), nil), 238)
	wantCode(t, create(d("c", 1), options.Index().SetSparse(true)), 72)
	wantCode(t, create(d("c", 1), options.Index().SetExpireAfterSeconds(5)), 72)
	wantCode(t, create(d("c", 1), options.Index().SetPartialFilterExpression(d("c", d("$gt", 1)))), 72)
	specs := must[[]mongo.IndexSpecification](t)(c.Indexes().ListSpecifications(ctx))
	names := []string{}
	for _, spec := range specs {
		names = append(names, spec.Name)
	}
	equal(t, names, []string{"_id_", "a_1_b_-1"})
	wantCode(t, c.Indexes().DropOne(ctx, "nope"), 27)
	wantCode(t, c.Indexes().DropOne(ctx, "_id_"), 72)
	if err := c.Indexes().DropAll(ctx); err != nil {
		t.Fatal(err)
	}
	equal(t, len(must[[]mongo.IndexSpecification](t)(c.Indexes().ListSpecifications(ctx))), 1)
}

func TestCollections(t *testing.T) {
	t.Parallel()
	c := collection(t)
	db := c.Database()
	insert(t, c, d("_id", 1))
	insert(t, db.Collection("stock.next"), d("_id", 2))
	insert(t, db.Client().Database("other").Collection("x"), d("_id", 3))
	equal(t, must[[]string](t)(db.ListCollectionNames(ctx, d())), []string{"stock", "stock.next"})
	equal(t, must[[]string](t)(db.ListCollectionNames(ctx, d("name", "stock"))), []string{"stock"})
	equal(t, must[[]string](t)(db.Client().ListDatabaseNames(ctx, d())), []string{"other", "reference"})

	admin := db.Client().Database("admin")
	rename := func(from, to string, drop bool) error {
		return admin.RunCommand(ctx, d("renameCollection", from, "to", to, "dropTarget", drop)).Err()
	}
	wantCode(t, rename("reference.stock.next", "reference.stock", false), 48)
	wantCode(t, rename("reference.nope", "reference.stock", true), 26)
	if err := rename("reference.stock.next", "reference.stock", true); err != nil {
		t.Fatal(err)
	}
	equal(t, ids(t, c, d()), []any{int32(2)})
	equal(t, must[[]string](t)(db.ListCollectionNames(ctx, d())), []string{"stock"})

	wantCode(t, db.CreateCollection(ctx, "stock"), 48)
	wantCode(t, db.CreateCollection(ctx, "capped", options.CreateCollection().SetCapped(true).SetSizeInBytes(1<<20)), 72)
	for range 2 {
		if err := c.Drop(ctx); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, ids(t, c, d()), []any{})
	wantCode(t, db.RunCommand(ctx, d("listIndexes", "stock")).Err(), 26)
	insert(t, c, d("_id", 1))
	equal(t, ids(t, c, d()), []any{int32(1)})
	wantCode(t, admin.Drop(ctx), 20)
	if err := db.Drop(ctx); err != nil {
		t.Fatal(err)
	}
	equal(t, must[[]string](t)(db.Client().ListDatabaseNames(ctx, d())), []string{"other"})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	c := collection(t)
	insert(t, c, d("_id", 1))
	for _, test := range []struct {
		command bson.D
		code    int32
	}{
		{d("findAndModify", "stock"), 59},
		{d("distinct", "stock", "key", "a"), 59},
		{d("saslStart", 1), 59},
		{d("find", "stock", "filter", d("a", d("$regex", "x"))), 238},
		{d("find", "stock", "filter", d("a", bson.Regex{Pattern: "x"})), 238},
		{d("find", "stock", "filter", d("$expr", true)), 238},
		{d("find", "stock", "filter", d("$where", "1")), 238},
		{d("find", "stock", "filter", d("a", d("$elemMatch", d()))), 238},
		{d("find", "stock", "filter", d("a.0", 1)), 238},
		{d("find", "stock", "filter", d("a", d("$foo", 1))), 2},
		{d("find", "stock", "filter", d("$foo", 1)), 2},
		{d("find", "stock", "filter", d("$or", bson.A{})), 2},
		{d("find", "stock", "filter", 5), 14},
		{d("find", "stock", "projection", d("a", d("$slice", 1))), 238},
		{d("find", "stock", "projection", d("a", "$b")), 238},
		{d("find", "stock", "projection", d("a", 1, "b", 0)), 31254},
		{d("find", "stock", "projection", d("a", 1, "a.b", 1)), 31250},
		{d("find", "stock", "sort", d("a", 2)), 2},
		{d("find", "stock", "limit", -1), 2},
		{d("find", "stock", "tailable", true), 72},
		{d("find", "stock", "collation", d("locale", "de")), 72},
		{d("find", "stock", "fancy", 1), 40415},
		{d("find", "stock", "readConcern", d("level", "linearizable")), 72},
		{d("find", "stock", "txnNumber", int64(1), "startTransaction", true, "autocommit", false), 20},
		{d("find", "$bad"), 73},
		{d("insert", "stock", "documents", bson.A{}), 2},
		{d("insert", "stock", "documents", bson.A{d("a", 1)}, "writeConcern", d("w", 3)), 2},
		{d("delete", "stock", "deletes", bson.A{d("q", d(), "limit", 7)}, "fancy", 1), 40415},
		{d("aggregate", "stock", "pipeline", bson.A{d("$match", d())}, "cursor", d()), 238},
		{d("aggregate", "stock", "pipeline", bson.A{d("$lookup", d())}, "cursor", d()), 238},
		{d("aggregate", "stock", "pipeline", bson.A{d("$group", d("_id", "$a", "n", d("$sum", 1)))}, "cursor", d()), 238},
		{d("renameCollection", "a.b", "to", "a.c"), 13},
		{d("hello", 1, "loadBalanced", true), 72},
		{d("find", "stock", "apiVersion", "2"), 322},
		{d("find", "stock", "apiStrict", true), 4886600},
		{d("buildInfo", 1, "apiVersion", "1", "apiStrict", true), 323},
		{d("find", "stock", "apiVersion", "1", "fancy", 1), 40415},
	} {
		err := c.Database().RunCommand(ctx, test.command).Err()
		if e, ok := err.(mongo.CommandError); !ok || e.Code != test.code || e.Name == "" || e.Message == "" {
			t.Errorf("%v: got error %v, want code %d", test.command, err, test.code)
		}
	}
	// What changes no answer is accepted.
	for _, command := range []bson.D{
		d("find", "stock", "collation", d("locale", "simple"), "tailable", false, "hint", "_id_", "comment", "x", "maxTimeMS", 500),
		d("find", "stock", "readConcern", d("level", "majority"), "$readPreference", d("mode", "primary")),
		d("killAllSessions", bson.A{}), d("endSessions", bson.A{}),
		d("hello", 1, "backpressure", true, "what comes next", d("a", 1)), d("ismaster", 1, "backpressure", true),
		d("ping", 1, "fancy", 1), d("buildInfo", 1, "fancy", 1, "apiVersion", "1", "apiStrict", false),
		d("find", "stock", "apiVersion", "1", "apiStrict", true, "apiDeprecationErrors", true),
		d("find", "stock", "$configTime", 1, "$client", d("application", "x"), "mayBypassWriteBlocking", true),
	} {
		if err := c.Database().RunCommand(ctx, command).Err(); err != nil {
			t.Errorf("%v: %v", command, err)
		}
	}
	session := must[*mongo.Session](t)(c.Database().Client().StartSession())
	_, err := session.WithTransaction(ctx, func(ctx context.Context) (any, error) {
		return c.InsertOne(ctx, d("_id", 2))
	})
	wantCode(t, err, 20)
	equal(t, len(ids(t, c, d())), 1)
}

func ExampleStart() {
	_, err := mongodb.Start(mongodb.Options{})
	fmt.Println(err)
	// Output: start MongoDB: no data directory given
}
