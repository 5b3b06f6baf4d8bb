package mongodb_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func TestEveryTypeIsKeptByteForByte(t *testing.T) {
	t.Parallel()
	c := collection(t)
	decimal := must[bson.Decimal128](t)(bson.ParseDecimal128("1.2300E+5"))
	raw := must[[]byte](t)(bson.Marshal(d(
		"_id", "all", "double", 1.5, "string", "a\x00b 长", "document", d("b", 1, "a", 2), "array", bson.A{1, "x", bson.A{}},
		"binary", bson.Binary{Subtype: 0x80, Data: []byte{1, 2}}, "old", bson.Binary{Subtype: 2, Data: []byte{3}},
		"undefined", bson.Undefined{}, "oid", bson.NewObjectID(), "bool", true, "date", bson.DateTime(-5),
		"null", nil, "regex", bson.Regex{Pattern: "a.*", Options: "ix"},
		"pointer", bson.DBPointer{DB: "x.y", Pointer: bson.NewObjectID()}, "js", bson.JavaScript("f()"),
		"symbol", bson.Symbol("s"), "scope", bson.CodeWithScope{Code: "g()", Scope: d("x", 1)},
		"int", int32(1), "timestamp", bson.Timestamp{T: 1, I: 2}, "long", int64(2), "decimal", decimal,
		"min", bson.MinKey{}, "max", bson.MaxKey{},
	)))
	insert(t, c, bson.Raw(raw))
	got := must[bson.Raw](t)(c.FindOne(ctx, d("_id", "all")).Raw())
	equal(t, []byte(got), raw)
	must[*mongo.UpdateResult](t)(c.UpdateOne(ctx, d("decimal", d("$exists", true)), d("$set", d("int", int32(1)))))
	got = must[bson.Raw](t)(c.FindOne(ctx, d()).Raw())
	equal(t, []byte(got), raw)
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
	for name, opts := range map[string]*options.FindOptionsBuilder{
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

func TestReplyStaysWithinSixteenMegabytes(t *testing.T) {
	t.Parallel()
	c := collection(t)
	for i := range 5 {
		insert(t, c, d("_id", i, "filling", make([]byte, 7<<20)))
	}
	equal(t, ids(t, c, d(), options.Find().SetBatchSize(100)), []any{int32(0), int32(1), int32(2), int32(3), int32(4)})
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
