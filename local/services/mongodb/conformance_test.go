package mongodb_test

import (
	"os"
	"testing"

	"feedstream/local/services/mongodb"
	"feedstream/shared/mongo/mongotest"
)

// TestConformance runs the reference source's suite against the embedded server, or against the server that
// FEEDSTREAM_TEST_MONGODB_URI names.
func TestConformance(t *testing.T) {
	uri := os.Getenv("FEEDSTREAM_TEST_MONGODB_URI")
	if uri == "" {
		uri = "mongodb://" + start(t, t.TempDir()).Addr()
	}
	mongotest.Run(t, func(*testing.T) string { return uri })
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
