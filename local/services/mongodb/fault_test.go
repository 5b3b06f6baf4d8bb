package mongodb_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"feedstream/local/services/fault"
	"feedstream/local/services/mongodb"
	"feedstream/shared/mongo"
	"feedstream/shared/reference"
)

// once is a hook that has the fault happen to the first command of that name only.
func once(name string, f fault.Fault) func(mongodb.Command) fault.Fault {
	plan := fault.MustPlan(mongodb.Faults(), fault.Rule{Call: name, Count: 1, Fault: f})
	return func(c mongodb.Command) fault.Fault { return plan.Next(c.Name) }
}

func TestFaults(t *testing.T) {
	t.Parallel()
	server := start(t, t.TempDir())
	c := connect(t, server).Database("reference").Collection("stock")

	var seen atomic.Pointer[mongodb.Command]
	server.Fault(func(c mongodb.Command) fault.Fault {
		if c.Name != "insert" {
			return fault.Fault{}
		}
		seen.Store(&c)
		return fault.Fault{Err: "ShutdownInProgress"}
	})
	_, err := c.InsertOne(ctx, d("_id", 1))
	wantCode(t, err, 91)
	equal(t, *seen.Load(), mongodb.Command{Name: "insert", Database: "reference", Collection: "stock"})

	server.Fault(once("insert", fault.Fault{Drop: true}))
	if _, err := c.InsertOne(ctx, d("_id", 2)); err == nil {
		t.Error("closed before: no error")
	}
	server.Fault(once("insert", fault.Fault{When: fault.After, Drop: true}))
	if _, err := c.InsertOne(ctx, d("_id", 3)); err == nil {
		t.Error("closed after: no error")
	}
	server.Fault(once("INSERT", fault.Fault{When: fault.After, Err: "11600", Message: "done all the same"}))
	_, err = c.InsertOne(ctx, d("_id", 4))
	wantCode(t, err, 11600)
	server.Fault(nil)
	equal(t, ids(t, c, d()), []any{int32(3), int32(4)})
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
	server.Fault(once("find", fault.Fault{Drop: true}))
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
	if err := s.Load(ctx, []reference.Document{{Symbol: "a"}}, mongo.LoadOptions{}); err != nil {
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
	server.Fault(func(c mongodb.Command) fault.Fault {
		if c.Name == "find" {
			return fault.Fault{Delay: time.Hour}
		}
		return fault.Fault{}
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
		for _, f := range []fault.Fault{{Err: "8"}, {Drop: true}} {
			server.Fault(once(step, f))
			if err := s.Load(ctx, []reference.Document{{Symbol: "new"}}, mongo.LoadOptions{}); err == nil {
				t.Errorf("%s %+v: load succeeded", step, f)
			}
			server.Fault(nil)
			if n := len(all(t, plain.Collection("stock"), d("symbol", "old"))); n != 1 {
				t.Errorf("%s %+v: the old reference is gone", step, f)
			}
			names, err := plain.ListCollectionNames(ctx, bson.D{})
			if err != nil || len(names) != 1 {
				t.Errorf("%s %+v: collections %v, %v", step, f, names, err)
			}
		}
	}
}
