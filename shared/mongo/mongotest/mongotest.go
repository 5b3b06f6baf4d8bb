// Package mongotest is the conformance suite of the reference source: what shared/mongo relies on in a MongoDB server,
// and what it promises to its callers. The embedded server runs it; a real server can run it just as well, since the
// suite knows only a URI and keeps to a database of its own.
package mongotest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"feedstream/shared/mongo"
	"feedstream/shared/reference"
)

// Run runs the suite. open returns the URI of a server and may return the same one each time.
func Run(t *testing.T, open func(testing.TB) string) {
	tests := map[string]func(*testing.T, fixture){
		"reads the types as they are":             readTypes,
		"reads nothing from nothing":              readAbsent,
		"reads more than one batch in order":      readMany,
		"stops at the caller's error":             readStops,
		"heeds the context":                       readCancelled,
		"reads back what was loaded":              loadRoundTrip,
		"a load replaces everything":              loadReplaces,
		"a load keeps symbols unique":             loadKeepsUnique,
		"a load that loses too much is refused":   loadShrinks,
		"a failed load changes nothing":           loadFails,
		"a reader never sees half a load":         loadIsOneStep,
		"an abandoned load is cleared away":       loadClears,
		"a read under way survives a replacement": readSurvivesLoad,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newFixture(t, open(t)))
		})
	}
}

// fixture is one test's collection, seen by the source under test and by a plain driver.
type fixture struct {
	source *mongo.Source
	plain  *driver.Collection
}

func newFixture(t *testing.T, uri string) fixture {
	t.Helper()
	client, err := driver.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	database := client.Database("mongotest-" + bson.NewObjectID().Hex())
	source, err := mongo.New(mongo.Config{URI: uri, Database: database.Name(), Collection: "stock"})
	if err != nil {
		t.Fatalf("new source: %v", err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		if err := errors.Join(database.Drop(ctx), client.Disconnect(ctx), source.Close()); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	return fixture{source, database.Collection("stock")}
}

func (f fixture) insert(t *testing.T, documents ...any) {
	t.Helper()
	if _, err := f.plain.InsertMany(context.Background(), documents); err != nil {
		t.Fatalf("insert: %v", err)
	}
}

func (f fixture) read(t *testing.T) []reference.Document {
	t.Helper()
	var all []reference.Document
	err := f.source.Read(context.Background(), func(d reference.Document) error {
		all = append(all, d)
		return nil
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return all
}

func (f fixture) load(t *testing.T, documents []reference.Document) {
	t.Helper()
	if err := f.source.Load(context.Background(), documents, mongo.LoadOptions{}); err != nil {
		t.Fatalf("load: %v", err)
	}
}

// stocks makes n documents whose volume is the generation they belong to.
func stocks(n int, generation int64) []reference.Document {
	documents := make([]reference.Document, n)
	for i := range documents {
		documents[i] = reference.Document{
			Symbol: fmt.Sprintf("%05d.HK", i), CompanyName: fmt.Sprintf("Company %d", i),
			LastPrice: reference.Number("12.3400"), Volume: generation,
		}
	}
	return documents
}

func withoutID(documents []reference.Document) []reference.Document {
	for i := range documents {
		documents[i].ID = ""
	}
	return documents
}

func equal(t *testing.T, got, want []reference.Document) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

func readTypes(t *testing.T, f fixture) {
	decimal := func(s string) bson.Decimal128 {
		d, err := bson.ParseDecimal128(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	oid := bson.NewObjectID()
	f.insert(t,
		bson.D{{Key: "_id", Value: "a"}, {Key: "symbol", Value: "0001.HK"}, {Key: "CompanyName", Value: "CK 长和"},
			{Key: "LastPrice", Value: 41.35}, {Key: "Volume", Value: int64(1) << 40}, {Key: "Sector", Value: "x"}},
		bson.D{{Key: "_id", Value: "b"}, {Key: "symbol", Value: "0002.HK"}, {Key: "LastPrice", Value: decimal("78.2500")}},
		bson.D{{Key: "_id", Value: "c"}, {Key: "symbol", Value: nil}, {Key: "LastPrice", Value: decimal("NaN")},
			{Key: "Volume", Value: int32(7)}},
		bson.D{{Key: "_id", Value: "d"}, {Key: "LastPrice", Value: decimal("-Infinity")}, {Key: "Volume", Value: true}},
		bson.D{{Key: "_id", Value: oid}, {Key: "symbol", Value: bson.A{"x"}}},
	)
	equal(t, f.read(t), []reference.Document{
		{ID: "a", Symbol: "0001.HK", CompanyName: "CK 长和", LastPrice: 41.35, Volume: int64(1) << 40},
		{ID: "b", Symbol: "0002.HK", LastPrice: reference.Number("78.2500")},
		{ID: "c", LastPrice: reference.Number("NaN"), Volume: int32(7)},
		{ID: "d", LastPrice: reference.Number("-Infinity"), Volume: true},
		{ID: oid.Hex(), Symbol: bson.A{"x"}},
	})
}

func readAbsent(t *testing.T, f fixture) {
	equal(t, f.read(t), nil)
}

func readMany(t *testing.T, f fixture) {
	want := stocks(12_000, 1)
	f.load(t, want)
	equal(t, withoutID(f.read(t)), want)
}

func readStops(t *testing.T, f fixture) {
	f.load(t, stocks(3, 1))
	enough, seen := errors.New("enough"), 0
	err := f.source.Read(context.Background(), func(reference.Document) error {
		seen++
		return enough
	})
	if err != enough || seen != 1 {
		t.Errorf("got error %v after %d documents, want %v after 1", err, seen, enough)
	}
}

func readCancelled(t *testing.T, f fixture) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := f.source.Read(ctx, func(reference.Document) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
}

func loadRoundTrip(t *testing.T, f fixture) {
	want := []reference.Document{
		{Symbol: "0001.HK", CompanyName: "CK", LastPrice: reference.Number("41.3500"), Volume: int64(12)},
		{Symbol: "0002.HK", LastPrice: 1.5},
		{Symbol: "0003.HK", CompanyName: "C", Volume: int32(3)},
	}
	f.load(t, want)
	got := f.read(t)
	for _, d := range got {
		if d.ID == "" {
			t.Errorf("%v has no ID", d.Symbol)
		}
	}
	equal(t, withoutID(got), want)
}

func loadReplaces(t *testing.T, f fixture) {
	f.insert(t, bson.D{{Key: "symbol", Value: "old"}})
	f.load(t, stocks(2, 1))
	equal(t, withoutID(f.read(t)), stocks(2, 1))
}

// loadShrinks: 100 documents may become 80 and no fewer, unless that is said to be meant; none are never loaded.
func loadShrinks(t *testing.T, f fixture) {
	f.load(t, stocks(100, 1))
	f.load(t, stocks(80, 2))
	f.load(t, stocks(100, 3))
	meant := mongo.LoadOptions{AcceptShrink: true}
	err := f.source.Load(context.Background(), stocks(79, 4), mongo.LoadOptions{})
	if shrink := new(mongo.ShrinkError); !errors.As(err, &shrink) || *shrink != (mongo.ShrinkError{There: 100, Documents: 79}) {
		t.Errorf("79 of 100: got error %v", err)
	}
	if err := f.source.Load(context.Background(), nil, meant); err == nil {
		t.Error("no documents were loaded")
	}
	equal(t, withoutID(f.read(t)), stocks(100, 3))
	if err := f.source.Load(context.Background(), stocks(1, 5), meant); err != nil {
		t.Errorf("a loss that is accepted: %v", err)
	}
	equal(t, withoutID(f.read(t)), stocks(1, 5))
}

func loadKeepsUnique(t *testing.T, f fixture) {
	f.load(t, stocks(2, 1))
	_, err := f.plain.InsertOne(context.Background(), bson.D{{Key: "symbol", Value: "00001.HK"}})
	if !driver.IsDuplicateKeyError(err) {
		t.Errorf("second 00001.HK: got error %v, want a duplicate key", err)
	}
}

func loadFails(t *testing.T, f fixture) {
	f.load(t, stocks(2, 1))
	for name, documents := range map[string][]reference.Document{
		"duplicate": append(stocks(3, 2), reference.Document{Symbol: "00002.HK"}),
		"number":    {{Symbol: "1", LastPrice: reference.Number("12,5")}, {Symbol: "2"}},
	} {
		if err := f.source.Load(context.Background(), documents, mongo.LoadOptions{}); err == nil {
			t.Errorf("%s: load succeeded", name)
		}
	}
	equal(t, withoutID(f.read(t)), stocks(2, 1))
	names, err := f.plain.Database().ListCollectionNames(context.Background(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"stock"}, names); diff != "" {
		t.Errorf("collections after failed loads (-want +got):\n%s", diff)
	}
}

func loadIsOneStep(t *testing.T, f fixture) {
	const size, loads = 700, 15
	f.load(t, stocks(size, 0))
	var loading sync.WaitGroup
	done := make(chan struct{})
	loading.Go(func() {
		defer close(done)
		for generation := int64(1); generation <= loads; generation++ {
			if err := f.source.Load(context.Background(), stocks(size, generation), mongo.LoadOptions{}); err != nil {
				t.Errorf("load %d: %v", generation, err)
			}
		}
	})
	defer loading.Wait()
	for {
		documents := f.read(t)
		if len(documents) != size {
			t.Fatalf("read %d documents, want %d", len(documents), size)
		}
		for _, d := range documents {
			if d.Volume != documents[0].Volume {
				t.Fatalf("read documents of loads %v and %v at once", documents[0].Volume, d.Volume)
			}
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func loadClears(t *testing.T, f fixture) {
	database := f.plain.Database()
	dead := "stock.load-" + bson.NewObjectIDFromTimestamp(time.Now().Add(-2*time.Hour)).Hex()
	young := "stock.load-" + bson.NewObjectID().Hex()
	for _, name := range []string{dead, young, "stock.load-notes"} {
		if err := database.CreateCollection(context.Background(), name); err != nil {
			t.Fatal(err)
		}
	}
	f.load(t, stocks(1, 1))
	names, err := database.ListCollectionNames(context.Background(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for _, name := range names {
		left[name] = true
	}
	if diff := cmp.Diff(map[string]bool{"stock": true, young: true, "stock.load-notes": true}, left); diff != "" {
		t.Errorf("collections (-want +got):\n%s", diff)
	}
}

// readSurvivesLoad holds a read open while the collection is replaced. Either the read goes on with the documents it
// began with or it fails; it must not end early as if it had seen everything.
func readSurvivesLoad(t *testing.T, f fixture) {
	const size = 12_000
	f.load(t, stocks(size, 1))
	seen := 0
	err := f.source.Read(context.Background(), func(d reference.Document) error {
		if seen++; seen == 1 {
			f.load(t, stocks(size, 2))
		}
		if d.Volume != int64(1) {
			t.Fatalf("document %d is of load %v", seen, d.Volume)
		}
		return nil
	})
	if err == nil && seen != size {
		t.Errorf("read ended without an error after %d of %d documents", seen, size)
	}
}
