package hbase_test

import (
	"testing"

	embedded "feedstream/local/services/hbase"
	"feedstream/shared/hbase/hbasetest"
)

// TestConformance runs against the embedded HBase, and against a real one when the environment names it.
func TestConformance(t *testing.T) {
	server, err := embedded.Start(embedded.Options{ZooKeeperAddr: "127.0.0.1:0", Addr: "127.0.0.1:0", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, target := range hbasetest.Targets(hbasetest.Target{Name: "embedded", ZooKeeper: server.ZooKeeperAddr()}) {
		t.Run(target.Name, func(t *testing.T) { hbasetest.Run(t, target) })
	}
}
