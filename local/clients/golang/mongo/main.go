// Command mongo tries the calls of the Go driver, version 2.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"clients/calls"
)

func main() {
	client := calls.New("Go driver v2", "go.mongodb.org/mongo-driver/v2")
	ctx := context.Background()
	server, err := mongo.Connect(options.Client().ApplyURI(calls.At("MONGODB")).SetServerSelectionTimeout(5 * time.Second))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	db := server.Database("clients_go")
	stocks := db.Collection("stocks")
	client.First("Ping", func() error { return server.Ping(ctx, nil) })
	client.Call("Drop", func() error { return db.Drop(ctx) })
	writes(ctx, client, stocks)
	reads(ctx, client, stocks)
	administration(ctx, client, stocks)
	refusals(ctx, client, stocks)
}

func writes(ctx context.Context, client *calls.Client, stocks *mongo.Collection) {
	client.Call("InsertMany", func() error {
		var many []any
		for i := range 100 {
			many = append(many, bson.M{"_id": i, "n": i})
		}
		result, err := stocks.InsertMany(ctx, many)
		if err != nil {
			return err
		}
		return calls.Equal(len(result.InsertedIDs), 100)
	})
	client.Call("InsertOne of a key that is", func() error {
		_, err := stocks.InsertOne(ctx, bson.M{"_id": 1})
		return calls.Equal(mongo.IsDuplicateKeyError(err), true)
	})
	client.Call("UpdateOne, upsert", func() error {
		set := bson.M{"$set": bson.M{"n": 200}}
		result, err := stocks.UpdateOne(ctx, bson.M{"_id": 200}, set, options.UpdateOne().SetUpsert(true))
		if err != nil {
			return err
		}
		return calls.Equal(result.UpsertedID, any(int32(200)))
	})
	client.Call("ReplaceOne", func() error {
		result, err := stocks.ReplaceOne(ctx, bson.M{"_id": 200}, bson.M{"n": 201})
		if err != nil {
			return err
		}
		return calls.Equal(result.ModifiedCount, int64(1))
	})
	client.Call("DeleteMany", func() error {
		result, err := stocks.DeleteMany(ctx, bson.M{"n": bson.M{"$gt": 100}})
		if err != nil {
			return err
		}
		return calls.Equal(result.DeletedCount, int64(1))
	})
	client.Call("BulkWrite", func() error {
		result, err := stocks.BulkWrite(ctx, []mongo.WriteModel{
			mongo.NewInsertOneModel().SetDocument(bson.M{"_id": 300}), mongo.NewDeleteOneModel().SetFilter(bson.M{"_id": 300}),
		})
		if err != nil {
			return err
		}
		return calls.Equal(result.DeletedCount, int64(1))
	})
}

func reads(ctx context.Context, client *calls.Client, stocks *mongo.Collection) {
	read := func(filter any, more ...options.Lister[options.FindOptions]) ([]bson.M, error) {
		cursor, err := stocks.Find(ctx, filter, more...)
		if err != nil {
			return nil, err
		}
		var got []bson.M
		return got, cursor.All(ctx, &got)
	}
	client.Call("Find, sort, skip, limit, projection", func() error {
		got, err := read(bson.M{"n": bson.M{"$gt": 10}}, options.Find().SetSort(bson.M{"n": -1}).SetSkip(2).SetLimit(2).
			SetProjection(bson.M{"n": 1, "_id": 0}))
		if err != nil {
			return err
		}
		return calls.Equal(got, []bson.M{{"n": int32(97)}, {"n": int32(96)}})
	})
	client.Call("cursor", func() error {
		got, err := read(bson.M{}, options.Find().SetBatchSize(7))
		return errors.Join(err, calls.Equal(len(got), 100))
	})
	client.Call("CountDocuments", func() error {
		n, err := stocks.CountDocuments(ctx, bson.M{"n": bson.M{"$gte": 50}})
		if err != nil {
			return err
		}
		return calls.Equal(n, int64(50))
	})
	client.Call("EstimatedDocumentCount", func() error {
		n, err := stocks.EstimatedDocumentCount(ctx)
		if err != nil {
			return err
		}
		return calls.Equal(n, int64(100))
	})
}

func administration(ctx context.Context, client *calls.Client, stocks *mongo.Collection) {
	client.Call("Indexes", func() error {
		name, err := stocks.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{Key: "n", Value: 1}}})
		if err != nil {
			return err
		}
		all, err := stocks.Indexes().ListSpecifications(ctx)
		if err != nil {
			return err
		}
		return errors.Join(calls.Equal(len(all), 2), stocks.Indexes().DropOne(ctx, name))
	})
	client.Call("ListCollectionNames", func() error {
		names, err := stocks.Database().ListCollectionNames(ctx, bson.M{})
		if err != nil {
			return err
		}
		return calls.Equal(names, []string{"stocks"})
	})
	client.Call("ListDatabaseNames", func() error {
		names, err := stocks.Database().Client().ListDatabaseNames(ctx, bson.M{})
		if err != nil {
			return err
		}
		return calls.Equal(slices.Contains(names, "clients_go"), true)
	})
}

func refusals(ctx context.Context, client *calls.Client, stocks *mongo.Collection) {
	client.Call("Distinct", func() error { return stocks.Distinct(ctx, "n", bson.M{}).Err() })
	client.Call("Aggregate", func() error {
		_, err := stocks.Aggregate(ctx, bson.A{bson.M{"$group": bson.M{"_id": "$n"}}})
		return err
	})
	client.Call("FindOneAndUpdate", func() error {
		return stocks.FindOneAndUpdate(ctx, bson.M{"_id": 1}, bson.M{"$set": bson.M{"a": 1}}).Err()
	})
	client.Call("Watch", func() error {
		_, err := stocks.Watch(ctx, bson.A{})
		return err
	})
	client.Call("transaction", func() error {
		return stocks.Database().Client().UseSession(ctx, func(ctx context.Context) error {
			_, err := mongo.SessionFromContext(ctx).WithTransaction(ctx, func(ctx context.Context) (any, error) {
				return stocks.InsertOne(ctx, bson.M{})
			})
			return err
		})
	})
}
