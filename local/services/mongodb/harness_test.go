package mongodb_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"feedstream/local/services/mongodb"
)

var ctx = context.Background()

// connect gives a plain driver's client of the server.
func connect(t testing.TB, server *mongodb.Server) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + server.Addr()))
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

func all(t tester, c *mongo.Collection, filter any, opts ...options.Lister[options.FindOptions]) []bson.D {
	t.Helper()
	cursor := must[*mongo.Cursor](t)(c.Find(ctx, filter, opts...))
	found := []bson.D{}
	if err := cursor.All(ctx, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

func ids(t testing.TB, c *mongo.Collection, filter any, opts ...options.Lister[options.FindOptions]) []any {
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

// wantCode checks the code of a command's failure.
func wantCode(t testing.TB, err error, code int32) {
	t.Helper()
	e, ok := err.(mongo.CommandError)
	if !ok || e.Code != code {
		t.Errorf("got error %v, want code %d", err, code)
	}
}

// start runs a server on a free port until the test ends.
func start(t testing.TB, dir string) *mongodb.Server {
	t.Helper()
	server, err := mongodb.Start(mongodb.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return server
}
