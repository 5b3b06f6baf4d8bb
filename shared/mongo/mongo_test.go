package mongo

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"feedstream/shared/reference"
)

func TestNewRefuses(t *testing.T) {
	for _, test := range []struct{ uri, database, want string }{
		{"mongodb://h", "", "database and collection must be named"},
		{"http://h", "reference", "the URI is not valid"},
		{"", "reference", "the URI is not valid"},
		{"mongodb://user:pa%ss@h", "reference", "details are withheld"},
		{"mongodb://user:secret@h:99999999", "reference", "details are withheld"},
		{"mongodb+srv://user:pa%ss@h", "reference", "details are withheld"},
		{"mongodb+srv://cluster.feed.test:27017", "reference", "one name and no port"},
		{"mongodb+srv://a.feed.test,b.feed.test", "reference", "one name and no port"},
	} {
		_, err := New(Config{URI: test.uri, Database: test.database, Collection: "stock"})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want one with %q", test.uri, err, test.want)
			continue
		}
		for _, part := range []string{"user", "secret", "pa%ss"} {
			if strings.Contains(err.Error(), part) {
				t.Errorf("error shows credentials: %v", err)
			}
		}
	}
}

func TestErrorsNameTheHostOnly(t *testing.T) {
	source, err := New(Config{
		URI:      "mongodb://user:secret@127.0.0.1:1/?serverSelectionTimeoutMS=100",
		Database: "reference", Collection: "stock", Timeout: 200e6,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	for doing, err := range map[string]error{
		"read reference.stock": source.Read(t.Context(), func(reference.Document) error { return nil }),
		"reference.stock":      source.Load(t.Context(), []reference.Document{{Symbol: "a"}}, LoadOptions{}),
	} {
		if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") || !strings.Contains(err.Error(), doing) {
			t.Errorf("got error %v, want one naming host and %q", err, doing)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("error shows the password: %v", err)
		}
	}
}

func TestDocument(t *testing.T) {
	number, err := bson.ParseDecimal128("-0E-2")
	if err != nil {
		t.Fatal(err)
	}
	oid := bson.ObjectID{1, 2}
	for _, test := range []struct {
		stored bson.D
		want   reference.Document
	}{
		{bson.D{}, reference.Document{}},
		{bson.D{{Key: "_id", Value: oid}, {Key: "LastPrice", Value: number}},
			reference.Document{ID: "010200000000000000000000", LastPrice: reference.Number("-0.00")}},
		{bson.D{{Key: "_id", Value: int32(5)}, {Key: "symbol", Value: bson.Undefined{}}},
			reference.Document{ID: `{"$numberInt":"5"}`}},
		{bson.D{{Key: "_id", Value: "a"}, {Key: "CompanyName", Value: bson.D{{Key: "en", Value: "x"}}},
			{Key: "symbol", Value: bson.DateTime(1)}, {Key: "Volume", Value: bson.A{}}},
			reference.Document{ID: "a", CompanyName: bson.D{{Key: "en", Value: "x"}}, Symbol: bson.DateTime(1), Volume: bson.A{}}},
	} {
		raw, err := bson.Marshal(test.stored)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, document(raw)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.stored, diff)
		}
	}
}
