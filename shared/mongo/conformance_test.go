package mongo_test

import (
	"testing"

	embedded "feedstream/local/services/mongodb"
	"feedstream/shared/mongo/mongotest"
	"feedstream/shared/testkit"
)

// TestConformance holds the embedded MongoDB and a real one to the suite of the reference source.
func TestConformance(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		server := testkit.Must(embedded.Start(embedded.Options{Dir: t.TempDir()}))(t)
		t.Cleanup(func() {
			if err := server.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
		mongotest.Run(t, func(testing.TB) string { return "mongodb://" + server.Addr() })
	})
	testkit.Real(t, "MONGODB", func(t *testing.T, uri string) {
		mongotest.Run(t, func(testing.TB) string { return uri })
	})
}
