package mongo

import (
	"context"
	"net"
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
		{"mongodb+srv://h.example.com:27017", "reference", "one host, without a port"},
		{"mongodb+srv://user:secret@a.example.com,b.example.com", "reference", "details are withheld"},
		{"mongodb+srv://h.example.com/?readPreference=nearby", "reference", "the URI is not valid"},
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
		"reference.stock":      source.Load(t.Context(), nil, LoadOptions{}),
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

// TestSilentNameService: a mongodb+srv URI whose servers nobody knows is no fault of the URI. It is met at the first
// use, said with the host and the look-up, and tried again at the next.
func TestSilentNameService(t *testing.T) {
	source, err := New(Config{
		URI:      "mongodb+srv://reader:secret@cluster0.abcde.example.com/?srvServiceName=feed&retryWrites=true",
		Database: "reference", Collection: "stock",
	})
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	source.lookUp = func(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
		asked = append(asked, "_"+service+"._"+proto+"."+name)
		return "", nil, &net.DNSError{Err: "no such host", Name: asked[0], IsNotFound: true}
	}
	for doing, use := range map[string]func() error{
		"read reference.stock": func() error {
			return source.Read(t.Context(), func(reference.Document) error { return nil })
		},
		"load reference.stock": func() error { return source.Load(t.Context(), nil, LoadOptions{}) },
	} {
		err := use()
		for _, want := range []string{doing, "unreachable", "cluster0.abcde.example.com", "no such host"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got error %v, want one with %q", err, want)
			}
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "not valid")) {
			t.Errorf("error: %v", err)
		}
	}
	const service = "_feed._tcp.cluster0.abcde.example.com"
	if diff := cmp.Diff([]string{service, service}, asked); diff != "" {
		t.Errorf("look-ups (-want +got):\n%s", diff)
	}
	if err := source.Close(); err != nil {
		t.Error(err)
	}
}
