package mongodb_test

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

func TestInsert(t *testing.T) {
	t.Parallel()
	c := collection(t)
	id := must[*mongo.InsertOneResult](t)(c.InsertOne(ctx, d("a", 1))).InsertedID
	if _, ok := id.(bson.ObjectID); !ok {
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
	equal(t, *result, mongo.UpdateResult{Acknowledged: true, MatchedCount: 3, ModifiedCount: 2})
	result = must[*mongo.UpdateResult](t)(c.UpdateOne(ctx, d("n", 2), d("$inc", d("n", 1))))
	equal(t, *result, mongo.UpdateResult{Acknowledged: true, MatchedCount: 1, ModifiedCount: 1})
	result = must[*mongo.UpdateResult](t)(c.UpdateOne(ctx, d("n", 99), d("$inc", d("n", 1))))
	equal(t, *result, mongo.UpdateResult{Acknowledged: true})
}

func TestUpsert(t *testing.T) {
	t.Parallel()
	c := collection(t)
	upsert := options.UpdateOne().SetUpsert(true)
	result := must[*mongo.UpdateResult](t)(c.UpdateOne(ctx,
		d("_id", 5, "in.x", 1, "n", d("$gt", 3)), d("$set", d("a", 1), "$setOnInsert", d("b", 2)), upsert))
	equal(t, *result, mongo.UpdateResult{Acknowledged: true, UpsertedCount: 1, UpsertedID: int32(5)})
	equal(t, all(t, c, d()), []bson.D{d("_id", int32(5), "in", d("x", int32(1)), "a", int32(1), "b", int32(2))})

	result = must[*mongo.UpdateResult](t)(c.ReplaceOne(ctx, d("symbol", "x"), d("symbol", "y"), options.Replace().SetUpsert(true)))
	got := must[bson.Raw](t)(c.FindOne(ctx, d("symbol", "y")).Raw())
	if oid, ok := result.UpsertedID.(bson.ObjectID); !ok || got.Lookup("_id").ObjectID() != oid {
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
		{d("$set", d(strings.Repeat("a.", 60000)+"a", 1)), 15},
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
	equal(t, *result, mongo.BulkWriteResult{Acknowledged: true, InsertedCount: 2, MatchedCount: 1, ModifiedCount: 1, DeletedCount: 1,
		UpsertedCount: 1, UpsertedIDs: map[int64]any{2: int32(3)}})
	equal(t, all(t, c, d()), []bson.D{d("_id", int32(1), "x", int32(1)), d("_id", int32(3), "n", int32(1))})
}

func TestUnacknowledgedWrite(t *testing.T) {
	t.Parallel()
	c := collection(t)
	quiet := c.Clone(options.Collection().SetWriteConcern(writeconcern.Unacknowledged()))
	for i := range 20 {
		if result := must[*mongo.InsertOneResult](t)(quiet.InsertOne(ctx, d("_id", i))); result.Acknowledged {
			t.Fatalf("insert %d was acknowledged", i)
		}
	}
	// The writes went ahead on their connections, so their effect is waited for.
	for len(all(t, c, d())) < 20 {
	}
}
