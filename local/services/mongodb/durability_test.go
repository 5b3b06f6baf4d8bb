package mongodb_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"feedstream/local/services/mongodb"
)

// serveDir makes the test binary a server on the directory it names, until it is killed.
const serveDir = "FEEDSTREAM_TEST_SERVE_MONGODB"

func TestMain(m *testing.M) {
	dir := os.Getenv(serveDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	server, err := mongodb.Start(mongodb.Options{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(server.Addr())
	select {}
}

// serve runs a server as a process of its own. kill ends it as kill -9 does.
func serve(t *testing.T, dir string) (client *mongo.Client, kill func()) {
	t.Helper()
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), serveDir+"="+dir)
	process.Stderr = os.Stderr
	output, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		process.Process.Kill()
		process.Wait()
	})
	t.Cleanup(kill)
	addr, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("server did not start: %v", err)
	}
	client, err = mongo.Connect(options.Client().ApplyURI("mongodb://" + strings.TrimSpace(addr)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(ctx) })
	return client, kill
}

// TestKill kills the server in the middle of inserts, again and again. What was acknowledged is there afterwards, and
// at most the one insert whose answer was lost besides.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	acknowledged := 0
	for round := range 4 {
		client, kill := serve(t, dir)
		c := client.Database("reference").Collection("stock")
		if round == 0 {
			must[string](t)(c.Indexes().CreateOne(ctx, mongo.IndexModel{
				Keys: d("symbol", 1), Options: options.Index().SetUnique(true)}))
		}
		n := int(must[int64](t)(c.CountDocuments(ctx, d())))
		if n != acknowledged && n != acknowledged+1 {
			t.Fatalf("round %d: %d documents, %d were acknowledged", round, n, acknowledged)
		}
		acknowledged = n
		_, err := c.InsertOne(ctx, d("symbol", 0))
		if n > 0 && !mongo.IsDuplicateKeyError(err) {
			t.Fatalf("round %d: second symbol 0: %v", round, err)
		}
		if n == 0 {
			acknowledged++
		}
		enough := acknowledged + 30
		for {
			if _, err := c.InsertOne(ctx, d("symbol", acknowledged)); err != nil {
				break
			}
			if acknowledged++; acknowledged == enough {
				go kill()
			}
		}
		if acknowledged < enough {
			t.Fatalf("round %d: inserts failed before the kill", round)
		}
		kill()
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := start(t, dir)
	c := connect(t, server).Database("reference").Collection("stock")
	insert(t, c, d("_id", 2), d("_id", 1))
	must[*mongo.UpdateResult](t)(c.UpdateOne(ctx, d("_id", 2), d("$set", d("x", 1))))

	if _, err := mongodb.Start(mongodb.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("second server on one directory: got error %v, want one naming it", err)
	}
	if _, err := mongodb.Start(mongodb.Options{Dir: t.TempDir(), Addr: server.Addr()}); err == nil {
		t.Error("second server on one address started")
	}
	for range 2 {
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
	}
	c = connect(t, start(t, dir)).Database("reference").Collection("stock")
	insert(t, c, d("_id", 0))
	equal(t, all(t, c, d()), []bson.D{d("_id", int32(2), "x", int32(1)), d("_id", int32(1)), d("_id", int32(0))})
}
