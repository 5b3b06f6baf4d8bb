package mongodb_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/writeconcern"

	"feedstream/local/services/mongodb"
)

var ctx = context.Background()

// connect gives a plain driver's client of the server.
func connect(t testing.TB, server *mongodb.Server) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(ctx, options.Client().ApplyURI("mongodb://"+server.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(ctx) })
	return client
}

// collection gives an empty collection on a server of its own.
func collection(t testing.TB) *mongo.Collection {
	t.Helper()
	return connect(t, start(t, t.TempDir())).Database("reference").Collection("stock")
}

// tester is a test or one run of a property.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

func must[T any](t tester) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func insert(t testing.TB, c *mongo.Collection, documents ...any) {
	t.Helper()
	must[*mongo.InsertManyResult](t)(c.InsertMany(ctx, documents))
}

func all(t tester, c *mongo.Collection, filter any, opts ...*options.FindOptions) []bson.D {
	t.Helper()
	cursor := must[*mongo.Cursor](t)(c.Find(ctx, filter, opts...))
	found := []bson.D{}
	if err := cursor.All(ctx, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

func ids(t testing.TB, c *mongo.Collection, filter any, opts ...*options.FindOptions) []any {
	t.Helper()
	got := []any{}
	for _, d := range all(t, c, filter, opts...) {
		got = append(got, d[0].Value)
	}
	return got
}

func equal(t testing.TB, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func d(pairs ...any) bson.D {
	document := bson.D{}
	for i := 0; i < len(pairs); i += 2 {
		document = append(document, bson.E{Key: pairs[i].(string), Value: pairs[i+1]})
	}
	return document
}

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

func TestEveryTypeIsKeptByteForByte(t *testing.T) {
	t.Parallel()
	c := collection(t)
	decimal := must[primitive.Decimal128](t)(primitive.ParseDecimal128("1.2300E+5"))
	raw := must[[]byte](t)(bson.Marshal(d(
		"_id", "all", "double", 1.5, "string", "a\x00b 长", "document", d("b", 1, "a", 2), "array", bson.A{1, "x", bson.A{}},
		"binary", primitive.Binary{Subtype: 0x80, Data: []byte{1, 2}}, "old", primitive.Binary{Subtype: 2, Data: []byte{3}},
		"undefined", primitive.Undefined{}, "oid", primitive.NewObjectID(), "bool", true, "date", primitive.DateTime(-5),
		"null", nil, "regex", primitive.Regex{Pattern: "a.*", Options: "ix"},
		"pointer", primitive.DBPointer{DB: "x.y", Pointer: primitive.NewObjectID()}, "js", primitive.JavaScript("f()"),
		"symbol", primitive.Symbol("s"), "scope", primitive.CodeWithScope{Code: "g()", Scope: d("x", 1)},
		"int", int32(1), "timestamp", primitive.Timestamp{T: 1, I: 2}, "long", int64(2), "decimal", decimal,
		"min", primitive.MinKey{}, "max", primitive.MaxKey{},
	)))
	insert(t, c, bson.Raw(raw))
	got := must[bson.Raw](t)(c.FindOne(ctx, d("_id", "all")).Raw())
	equal(t, []byte(got), raw)
	must[*mongo.UpdateResult](t)(c.UpdateOne(ctx, d("decimal", d("$exists", true)), d("$set", d("int", int32(1)))))
	got = must[bson.Raw](t)(c.FindOne(ctx, d()).Raw())
	equal(t, []byte(got), raw)
}

func TestInsert(t *testing.T) {
	t.Parallel()
	c := collection(t)
	id := must[*mongo.InsertOneResult](t)(c.InsertOne(ctx, d("a", 1))).InsertedID
	if _, ok := id.(primitive.ObjectID); !ok {
		t.Errorf("inserted id is %T", id)
	}
	insert(t, c, d("x", 1, "_id", 7))
	equal(t, all(t, c, d("_id", 7.0)), []bson.D{d("_id", int32(7), "x", int32(1))})

	_, err := c.InsertMany(ctx, []any{d("_id", 8), d("_id", 7), d("_id", 9)})
	wantWriteError(t, err, 1, 11000)
	equal(t, ids(t, c, d("_id", d("$gte", 8))), []any{int32(8)})

	_, err = c.InsertMany(ctx, []any{d("_id", 8), d("_id", 10), d("_id", int64(10)), d("_id", 11)}, options.InsertMany().SetOrdered(false))
	wantWriteError(t, err, 0, 11000)
	equal(t, ids(t, c, d("_id", d("$gte", 8))), []any{int32(8), int32(10), int32(11)})

	_, err = c.InsertOne(ctx, d("_id", bson.A{1}))
	wantWriteError(t, err, 0, 53)
}

// wantWriteError checks the first failed write of a command.
func wantWriteError(t tester, err error, index, code int) {
	t.Helper()
	var got mongo.WriteError
	switch e := err.(type) {
	case mongo.BulkWriteException:
		if len(e.WriteErrors) > 0 {
			got = e.WriteErrors[0].WriteError
		}
	case mongo.WriteException:
		if len(e.WriteErrors) > 0 {
			got = e.WriteErrors[0]
		}
	}
	if got.Index != index || got.Code != code {
		t.Errorf("got error %v, want code %d at index %d", err, code, index)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	c := collection(t)
	insert(t, c,
		d("_id", 1, "n", 3, "s", "b", "in", d("x", 1), "tags", bson.A{"p", "q"}),
		d("_id", 2, "n", 1.0, "s", "a", "in", bson.A{d("x", 2), d("x", bson.A{5, 6})}),
		d("_id", 3, "n", nil, "s", "c"),
		d("_id", 4, "s", "a", "in", bson.A{d("y", 1)}),
	)
	one, two, three, four := int32(1), int32(2), int32(3), int32(4)
	for _, test := range []struct {
		filter bson.D
		want   []any
	}{
		{d(), []any{one, two, three, four}},
		{d("n", 1), []any{two}},
		{d("n", nil), []any{three, four}},
		{d("n", d("$ne", nil)), []any{one, two}},
		{d("n", d("$exists", false)), []any{four}},
		{d("n", d("$gt", 1, "$lte", 3)), []any{one}},
		{d("n", d("$lt", "z")), []any{}},
		{d("s", d("$in", bson.A{"a", "x", nil})), []any{two, four}},
		{d("s", d("$nin", bson.A{"a"})), []any{one, three}},
		{d("s", d("$not", d("$eq", "a"))), []any{one, three}},
		{d("tags", "q"), []any{one}},
		{d("tags", bson.A{"p", "q"}), []any{one}},
		{d("in", d("x", 1)), []any{one}},
		{d("in.x", 2), []any{two}},
		{d("in.x", 6), []any{two}},
		{d("in.x", nil), []any{three, four}},
		{d("n", d("$type", "number")), []any{one, two}},
		{d("n", d("$type", bson.A{"int", 10})), []any{one, three}},
		{d("$or", bson.A{d("n", 3), d("s", "c")}), []any{one, three}},
		{d("$nor", bson.A{d("n", 3), d("s", "c")}), []any{two, four}},
		{d("$and", bson.A{d("s", "a"), d("in.y", 1)}, "$comment", "x"), []any{four}},
		{d("_id", d("$gte", 2, "$not", d("$gte", 4))), []any{two, three}},
	} {
		if diff := cmp.Diff(test.want, ids(t, c, test.filter)); diff != "" {
			t.Errorf("find %v (-want +got):\n%s", test.filter, diff)
		}
	}
	equal(t, ids(t, c, d(), options.Find().SetSort(d("s", 1, "_id", -1))), []any{four, two, one, three})
	equal(t, ids(t, c, d(), options.Find().SetSort(d("n", -1))), []any{one, two, three, four})
	equal(t, ids(t, c, d(), options.Find().SetSort(d("s", 1)).SetSkip(1).SetLimit(2)), []any{four, one})
	equal(t, ids(t, c, d(), options.Find().SetSkip(3).SetLimit(5)), []any{four})
	equal(t, ids(t, c, d(), options.Find().SetLimit(-2)), []any{one, two})
}

func TestProjection(t *testing.T) {
	t.Parallel()
	c := collection(t)
	insert(t, c, d("_id", 1, "a", 1, "b", d("x", 1, "y", 2), "c", bson.A{d("x", 1, "y", 2), 5, bson.A{d("x", 3)}}))
	one, two, three := int32(1), int32(2), int32(3)
	for _, test := range []struct{ projection, want bson.D }{
		{d("c", 1, "a", true), d("_id", one, "a", one, "c", bson.A{d("x", one, "y", two), int32(5), bson.A{d("x", three)}})},
		{d("a", 1, "_id", 0), d("a", one)},
		{d("_id", 1), d("_id", one)},
		{d("_id", 0, "c", 0), d("a", one, "b", d("x", one, "y", two))},
		{d("b.y", 1, "c.x", 1, "a.z", 1), d("_id", one, "b", d("y", two), "c", bson.A{d("x", one), bson.A{d("x", three)}})},
		{d("a", 0, "b.y", 0, "c.x", 0), d("_id", one, "b", d("x", one), "c", bson.A{d("y", two), int32(5), bson.A{d()}})},
	} {
		got := all(t, c, d(), options.Find().SetProjection(test.projection))
		if diff := cmp.Diff([]bson.D{test.want}, got); diff != "" {
			t.Errorf("projection %v (-want +got):\n%s", test.projection, diff)
		}
	}
}

func TestCursors(t *testing.T) {
	t.Parallel()
	c := collection(t)
	var documents []any
	for i := range 250 {
		documents = append(documents, d("_id", i))
	}
	insert(t, c, documents...)
	for name, opts := range map[string]*options.FindOptions{
		"default": options.Find(), "small": options.Find().SetBatchSize(7), "one": options.Find().SetBatchSize(1),
		"sorted": options.Find().SetBatchSize(100).SetSort(d("_id", 1)), "limited": options.Find().SetLimit(250).SetBatchSize(50),
	} {
		if got := len(all(t, c, d(), opts)); got != 250 {
			t.Errorf("%s: read %d documents", name, got)
		}
	}
	cursor := must[*mongo.Cursor](t)(c.Find(ctx, d(), options.Find().SetBatchSize(0)))
	if cursor.ID() == 0 || cursor.RemainingBatchLength() != 0 {
		t.Errorf("batch size 0: cursor %d with %d documents", cursor.ID(), cursor.RemainingBatchLength())
	}
	id := cursor.ID()
	if err := cursor.Close(ctx); err != nil {
		t.Fatal(err)
	}
	wantCode(t, c.Database().RunCommand(ctx, d("getMore", id, "collection", "stock")).Err(), 43)
	cursor = must[*mongo.Cursor](t)(c.Find(ctx, d(), options.Find().SetBatchSize(2)))
	wantCode(t, c.Database().RunCommand(ctx, d("getMore", cursor.ID(), "collection", "other")).Err(), 13)
}

// wantCode checks the code of a command's failure.
func wantCode(t testing.TB, err error, code int32) {
	t.Helper()
	e, ok := err.(mongo.CommandError)
	if !ok || e.Code != code {
		t.Errorf("got error %v, want code %d", err, code)
	}
}

func TestReplyStaysWithinSixteenMegabytes(t *testing.T) {
	t.Parallel()
	c := collection(t)
	for i := range 5 {
		insert(t, c, d("_id", i, "filling", make([]byte, 7<<20)))
	}
	equal(t, ids(t, c, d(), options.Find().SetBatchSize(100)), []any{int32(0), int32(1), int32(2), int32(3), int32(4)})
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	long := int64(1) << 31
	for _, test := range []struct {
		name           string
		before, update bson.D
		after          bson.D
	}{
		{"set", d("b", 1), d("$set", d("z", 1, "a", 2, "b", "x")), d("b", "x", "a", int32(2), "z", int32(1))},
		{"set nested", d("b", d("x", 1)), d("$set", d("b.y", 1, "c.d.e", 1)),
			d("b", d("x", int32(1), "y", int32(1)), "c", d("d", d("e", int32(1))))},
		{"unset", d("a", 1, "b", d("x", 1, "y", 2)), d("$unset", d("a", "", "b.x", "", "c.z", "")), d("b", d("y", int32(2)))},
		{"inc", d("i", 1, "f", 1.5, "big", int32(1<<31-1)), d("$inc", d("i", 2, "f", 1, "big", 1, "new", -1)),
			d("i", int32(3), "f", 2.5, "big", long, "new", int32(-1))},
		{"min and max", d("a", 5, "b", 5), d("$min", d("a", 3, "b", 9, "c", 1), "$max", d("d", 1)),
			d("a", int32(3), "b", int32(5), "c", int32(1), "d", int32(1))},
		{"push", d("a", bson.A{1}), d("$push", d("a", 2, "b", d("$each", bson.A{1, 2}))),
			d("a", bson.A{int32(1), int32(2)}, "b", bson.A{int32(1), int32(2)})},
		{"add to set", d("a", bson.A{1}), d("$addToSet", d("a", d("$each", bson.A{1.0, 2, 2}))), d("a", bson.A{int32(1), int32(2)})},
		{"set on insert", d("a", 1), d("$setOnInsert", d("a", 2)), d("a", int32(1))},
		{"replacement", d("a", 1, "b", 2), d("c", 3), d("c", int32(3))},
		{"empty replacement", d("a", 1), d(), d()},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := collection(t)
			insert(t, c, append(d("_id", 1), test.before...))
			command := d("update", "stock", "updates", bson.A{d("q", d("_id", 1), "u", test.update)})
			if err := c.Database().RunCommand(ctx, command).Err(); err != nil {
				t.Fatal(err)
			}
			equal(t, all(t, c, d()), []bson.D{append(d("_id", int32(1)), test.after...)})
		})
	}
}

func TestUpdateCounts(t *testing.T) {
	t.Parallel()
	c := collection(t)
	insert(t, c, d("_id", 1, "n", 1), d("_id", 2, "n", 1), d("_id", 3, "n", 2))
	result := must[*mongo.UpdateResult](t)(c.UpdateMany(ctx, d("n", d("$lte", 2)), d("$set", d("n", 2))))
	equal(t, *result, mongo.UpdateResult{MatchedCount: 3, ModifiedCount: 2})
	result = must[*mongo.UpdateResult](t)(c.UpdateOne(ctx, d("n", 2), d("$inc", d("n", 1))))
	equal(t, *result, mongo.UpdateResult{MatchedCount: 1, ModifiedCount: 1})
	result = must[*mongo.UpdateResult](t)(c.UpdateOne(ctx, d("n", 99), d("$inc", d("n", 1))))
	equal(t, *result, mongo.UpdateResult{})
}

func TestUpsert(t *testing.T) {
	t.Parallel()
	c := collection(t)
	upsert := options.Update().SetUpsert(true)
	result := must[*mongo.UpdateResult](t)(c.UpdateOne(ctx,
		d("_id", 5, "in.x", 1, "n", d("$gt", 3)), d("$set", d("a", 1), "$setOnInsert", d("b", 2)), upsert))
	equal(t, *result, mongo.UpdateResult{UpsertedCount: 1, UpsertedID: int32(5)})
	equal(t, all(t, c, d()), []bson.D{d("_id", int32(5), "in", d("x", int32(1)), "a", int32(1), "b", int32(2))})

	result = must[*mongo.UpdateResult](t)(c.ReplaceOne(ctx, d("symbol", "x"), d("symbol", "y"), options.Replace().SetUpsert(true)))
	got := must[bson.Raw](t)(c.FindOne(ctx, d("symbol", "y")).Raw())
	if oid, ok := result.UpsertedID.(primitive.ObjectID); !ok || got.Lookup("_id").ObjectID() != oid {
		t.Errorf("upserted %v, found %v", result.UpsertedID, got)
	}
}

func TestUpdateRefusals(t *testing.T) {
	t.Parallel()
	c := collection(t)
	insert(t, c, d("_id", 1, "s", "x", "a", bson.A{1}, "big", int64(1<<62)))
	for _, test := range []struct {
		update any
		code   int
	}{
		{d("$set", d("_id", 2)), 66},
		{d("$inc", d("s", 1)), 14},
		{d("$inc", d("a", "1")), 14},
		{d("$inc", d("big", int64(1<<62))), 2},
		{d("$set", d("s.x", 1)), 28},
		{d("$set", d("a", 1, "a.b", 2)), 40},
		{d("$set", d("a", 1), "$inc", d("a", 2)), 40},
		{d("$push", d("s", 1)), 2},
		{d("$foo", d("s", 1)), 9},
		{d("$set", d("a.0", 1)), 238},
		{d("$set", d("a.$", 1)), 238},
		{d("$mul", d("s", 1)), 238},
		{bson.A{d("$set", d("x", 1))}, 238},
	} {
		_, err := c.UpdateOne(ctx, d("_id", 1), test.update)
		wantWriteError(t, err, 0, test.code)
	}
	_, err := c.ReplaceOne(ctx, d("_id", 1), d("_id", 2))
	wantWriteError(t, err, 0, 66)
	equal(t, len(all(t, c, d("_id", 1, "s", "x"))), 1)
}

func TestDelete(t *testing.T) {
	t.Parallel()
	c := collection(t)
	insert(t, c, d("_id", 1, "n", 1), d("_id", 2, "n", 1), d("_id", 3, "n", 1), d("_id", 4, "n", 2))
	equal(t, must[*mongo.DeleteResult](t)(c.DeleteOne(ctx, d("n", 1))).DeletedCount, int64(1))
	equal(t, must[*mongo.DeleteResult](t)(c.DeleteMany(ctx, d("n", 1))).DeletedCount, int64(2))
	equal(t, ids(t, c, d()), []any{int32(4)})
	equal(t, must[*mongo.DeleteResult](t)(c.DeleteMany(ctx, d("n", 77))).DeletedCount, int64(0))
}

func TestBulkWrite(t *testing.T) {
	t.Parallel()
	c := collection(t)
	result := must[*mongo.BulkWriteResult](t)(c.BulkWrite(ctx, []mongo.WriteModel{
		mongo.NewInsertOneModel().SetDocument(d("_id", 1)),
		mongo.NewInsertOneModel().SetDocument(d("_id", 2)),
		mongo.NewUpdateOneModel().SetFilter(d("_id", 3)).SetUpdate(d("$set", d("n", 1))).SetUpsert(true),
		mongo.NewReplaceOneModel().SetFilter(d("_id", 1)).SetReplacement(d("x", 1)),
		mongo.NewDeleteOneModel().SetFilter(d("_id", 2)),
	}))
	equal(t, *result, mongo.BulkWriteResult{InsertedCount: 2, MatchedCount: 1, ModifiedCount: 1, DeletedCount: 1,
		UpsertedCount: 1, UpsertedIDs: map[int64]any{2: int32(3)}})
	equal(t, all(t, c, d()), []bson.D{d("_id", int32(1), "x", int32(1)), d("_id", int32(3), "n", int32(1))})
}

func TestCounts(t *testing.T) {
	t.Parallel()
	c := collection(t)
	for i := range 10 {
		insert(t, c, d("_id", i))
	}
	equal(t, must[int64](t)(c.CountDocuments(ctx, d("_id", d("$gt", 2)))), int64(7))
	equal(t, must[int64](t)(c.CountDocuments(ctx, d(), options.Count().SetSkip(3).SetLimit(5))), int64(5))
	equal(t, must[int64](t)(c.CountDocuments(ctx, d("_id", 99))), int64(0))
	equal(t, must[int64](t)(c.EstimatedDocumentCount(ctx)), int64(10))
}

func TestUnacknowledgedWrite(t *testing.T) {
	t.Parallel()
	c := collection(t)
	quiet := must[*mongo.Collection](t)(c.Clone(options.Collection().SetWriteConcern(writeconcern.Unacknowledged())))
	for i := range 20 {
		if _, err := quiet.InsertOne(ctx, d("_id", i)); err != mongo.ErrUnacknowledgedWrite {
			t.Fatal(err)
		}
	}
	// The writes went ahead on their connections, so their effect is waited for.
	for len(all(t, c, d())) < 20 {
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

	must[bson.Raw](t)(c.Indexes().DropOne(ctx, "symbol_1"))
	insert(t, c, d("_id", 6, "symbol", "a", "pair", d("x", 6)))
	equal(t, ids(t, c, d("symbol", "a")), []any{int32(1), int32(6)})
}

func TestIndexes(t *testing.T) {
	t.Parallel()
	c := collection(t)
	create := func(keys bson.D, o *options.IndexOptions) error {
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
	specs := must[[]*mongo.IndexSpecification](t)(c.Indexes().ListSpecifications(ctx))
	names := []string{}
	for _, spec := range specs {
		names = append(names, spec.Name)
	}
	equal(t, names, []string{"_id_", "a_1_b_-1"})
	_, err := c.Indexes().DropOne(ctx, "nope")
	wantCode(t, err, 27)
	_, err = c.Indexes().DropOne(ctx, "_id_")
	wantCode(t, err, 72)
	must[bson.Raw](t)(c.Indexes().DropAll(ctx))
	equal(t, len(must[[]*mongo.IndexSpecification](t)(c.Indexes().ListSpecifications(ctx))), 1)
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
		{d("find", "stock", "filter", d("a", primitive.Regex{Pattern: "x"})), 238},
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
	} {
		if err := c.Database().RunCommand(ctx, command).Err(); err != nil {
			t.Errorf("%v: %v", command, err)
		}
	}
	session := must[mongo.Session](t)(c.Database().Client().StartSession())
	_, err := session.WithTransaction(ctx, func(ctx mongo.SessionContext) (any, error) {
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
