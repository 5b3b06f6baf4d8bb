package mongodb_test

import (
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

const stocks = 10_000

func stock(i int) any {
	return d("symbol", fmt.Sprintf("%05d.HK", i), "CompanyName", fmt.Sprintf("Company number %d", i),
		"LastPrice", float64(i)/100, "Volume", int64(i)*1000)
}

// filled is a collection of stocks with a unique index on symbol.
func filled(b *testing.B) *mongo.Collection {
	c := collection(b)
	must[string](b)(c.Indexes().CreateOne(ctx, mongo.IndexModel{
		Keys: d("symbol", 1), Options: options.Index().SetUnique(true)}))
	insertStocks(b, c)
	return c
}

func insertStocks(b *testing.B, c *mongo.Collection) {
	var documents []any
	for i := range stocks {
		documents = append(documents, stock(i))
	}
	insert(b, c, documents...)
}

func BenchmarkInsertMany10k(b *testing.B) {
	c := collection(b)
	for b.Loop() {
		b.StopTimer()
		if err := c.Drop(ctx); err != nil {
			b.Fatal(err)
		}
		must[string](b)(c.Indexes().CreateOne(ctx, mongo.IndexModel{
			Keys: d("symbol", 1), Options: options.Index().SetUnique(true)}))
		b.StartTimer()
		insertStocks(b, c)
	}
}

func BenchmarkFindAll10k(b *testing.B) {
	c := filled(b)
	for b.Loop() {
		if n := len(all(b, c, d())); n != stocks {
			b.Fatal(n)
		}
	}
}

func BenchmarkSortAll10k(b *testing.B) {
	c := filled(b)
	for b.Loop() {
		all(b, c, d(), options.Find().SetSort(d("LastPrice", -1)))
	}
}

func BenchmarkFindByUniqueField(b *testing.B) {
	c := filled(b)
	for b.Loop() {
		if n := len(all(b, c, d("symbol", "07777.HK"))); n != 1 {
			b.Fatal(n)
		}
	}
}

func BenchmarkFindByScan10k(b *testing.B) {
	c := filled(b)
	for b.Loop() {
		if n := len(all(b, c, d("Volume", 7_777_000))); n != 1 {
			b.Fatal(n)
		}
	}
}

func BenchmarkUpdateOneDurably(b *testing.B) {
	c := filled(b)
	for b.Loop() {
		must[*mongo.UpdateResult](b)(c.UpdateOne(ctx, d("symbol", "07777.HK"), d("$inc", d("Volume", 1))))
	}
}

func BenchmarkBulkUpsert10k(b *testing.B) {
	c := filled(b)
	round := 0
	for b.Loop() {
		round++
		var models []mongo.WriteModel
		for i := range stocks {
			models = append(models, mongo.NewUpdateOneModel().SetUpsert(true).
				SetFilter(d("symbol", fmt.Sprintf("%05d.HK", i+round*100))).SetUpdate(d("$set", d("Volume", round))))
		}
		must[*mongo.BulkWriteResult](b)(c.BulkWrite(ctx, models))
	}
}
