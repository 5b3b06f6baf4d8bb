package hbase_test

import (
	"testing"

	embedded "feedstream/local/services/hbase"
	"feedstream/shared/hbase/hbasetest"
	"feedstream/shared/testkit"
)

// TestConformance holds the embedded HBase and a real one to the suite.
func TestConformance(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		server := testkit.Must(embedded.Start(embedded.Options{ZooKeeperAddr: "127.0.0.1:0", Addr: "127.0.0.1:0", Dir: t.TempDir()}))(t)
		t.Cleanup(func() {
			if err := server.Close(); err != nil {
				t.Error(err)
			}
		})
		hbasetest.Run(t, func(testing.TB) hbasetest.Target { return hbasetest.Target{ZooKeeper: server.ZooKeeperAddr()} })
	})
	testkit.Real(t, "HBASE", func(t *testing.T, zookeeper string) {
		hbasetest.Run(t, func(testing.TB) hbasetest.Target { return hbasetest.Target{ZooKeeper: zookeeper} })
	})
}
