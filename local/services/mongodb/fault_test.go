package mongodb_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"feedstream/local/services/mongodb"
	"feedstream/shared/mongo"
	"feedstream/shared/reference"
)

// once is a hook that has the fault happen to the first command of that name only.
func once(name string, fault mongodb.Fault) func(mongodb.Command) mongodb.Fault {
	var done atomic.Bool
	return func(c mongodb.Command) mongodb.Fault {
		if c.Name == name && done.CompareAndSwap(false, true) {
			return fault
		}
		return mongodb.Fault{}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	server := start(t, t.TempDir())
	c := connect(t, server).Database("reference").Collection("stock")

	var seen mongodb.Command
	server.Fault(func(c mongodb.Command) mongodb.Fault {
		if c.Name != "insert" {
			return mongodb.Fault{}
		}
		seen = c
		return mongodb.Fault{Code: 91}
	})
	_, err := c.InsertOne(ctx, d("_id", 1))
	wantCode(t, err, 91)
	equal(t, seen, mongodb.Command{Name: "insert", Database: "reference", Collection: "stock"})

	server.Fault(once("insert", mongodb.Fault{CloseBefore: true}))
	if _, err := c.InsertOne(ctx, d("_id", 2)); err == nil {
		t.Error("closed before: no error")
	}
	server.Fault(once("insert", mongodb.Fault{CloseAfter: true}))
	if _, err := c.InsertOne(ctx, d("_id", 3)); err == nil {
		t.Error("closed after: no error")
	}
	server.Fault(nil)
	equal(t, ids(t, c, d()), []any{int32(3)})
}

func source(t *testing.T, uri string) *mongo.Source {
	t.Helper()
	s, err := mongo.New(mongo.Config{URI: uri, Database: "reference", Collection: "stock"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func count(ctx context.Context, s *mongo.Source) (n int, err error) {
	err = s.Read(ctx, func(reference.Document) error {
		n++
		return nil
	})
	return n, err
}

func TestSourceOutlivesItsConnections(t *testing.T) {
	t.Parallel()
	server := start(t, t.TempDir())
	s := source(t, "mongodb://"+server.Addr())
	if err := s.Load(ctx, []reference.Document{{Symbol: "a"}, {Symbol: "b"}}, mongo.LoadOptions{}); err != nil {
		t.Fatal(err)
	}
	server.Fault(once("find", mongodb.Fault{CloseBefore: true}))
	if n, err := count(ctx, s); n != 2 || err != nil {
		t.Errorf("after a dead connection: read %d, %v", n, err)
	}
}

func TestSourceOutlivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := start(t, dir)
	addr := server.Addr()
	s := source(t, "mongodb://"+addr)
	if err := s.Load(ctx, []reference.Document{{Symbol: "a"}}, mongo.LoadOptions{AcceptShrink: true}); err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if _, err := count(short, s); err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("server down: got error %v, want one naming %s", err, addr)
	}
	again, err := mongodb.Start(mongodb.Options{Dir: dir, Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if n, err := count(ctx, s); n != 1 || err != nil {
		t.Errorf("after the restart: read %d, %v", n, err)
	}
}

func TestSourceIsBoundedByItsContext(t *testing.T) {
	t.Parallel()
	server := start(t, t.TempDir())
	s := source(t, "mongodb://"+server.Addr())
	server.Fault(func(c mongodb.Command) mongodb.Fault {
		if c.Name == "find" {
			return mongodb.Fault{Delay: time.Hour}
		}
		return mongodb.Fault{}
	})
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := count(short, s)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 5*time.Second {
		t.Errorf("stuck server: error %v after %v", err, time.Since(begin))
	}
}

func TestLoadFailsAtEachStep(t *testing.T) {
	t.Parallel()
	server := start(t, t.TempDir())
	s := source(t, "mongodb://"+server.Addr())
	plain := connect(t, server).Database("reference")
	if err := s.Load(ctx, []reference.Document{{Symbol: "old"}}, mongo.LoadOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{"createIndexes", "insert", "renameCollection"} {
		for _, fault := range []mongodb.Fault{{Code: 8}, {CloseBefore: true}} {
			server.Fault(once(step, fault))
			if err := s.Load(ctx, []reference.Document{{Symbol: "new"}}, mongo.LoadOptions{}); err == nil {
				t.Errorf("%s %+v: load succeeded", step, fault)
			}
			server.Fault(nil)
			if n := len(all(t, plain.Collection("stock"), d("symbol", "old"))); n != 1 {
				t.Errorf("%s %+v: the old reference is gone", step, fault)
			}
			names, err := plain.ListCollectionNames(ctx, bson.D{})
			if err != nil || len(names) != 1 {
				t.Errorf("%s %+v: collections %v, %v", step, fault, names, err)
			}
		}
	}
}
