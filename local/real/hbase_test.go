//go:build real

package real

import (
	"testing"

	"feedstream/shared/hbase/hbasetest"
)

// TestHBase has Phoenix judge the rows that we write.
func TestHBase(t *testing.T) {
	h := startHBase(t, nil, nil)
	j := newJudge(t, h.Client)
	j.createTables(t)
	t.Run("conformance", func(t *testing.T) {
		hbasetest.Run(t, func(testing.TB) hbasetest.Target { return hbasetest.Target{ZooKeeper: h.ZooKeeper} })
	})
	j.query(t, "DELETE FROM "+table+" WHERE ROWKEY >= ''")
	j.query(t, "DROP TABLE "+table)
	j.createTables(t)
	j.open(t)
	t.Run("the golden cells are those of SQL", j.testGolden)
	t.Run("the golden catalog is that of SQL", j.testGoldenCatalog)
	t.Run("the golden values are those of SQL", j.testGoldenTypes)
	t.Run("rows by SQL", j.testRows)
	t.Run("after flush and major compaction", j.testCompaction)
	t.Run("after a SQL UPSERT and DELETE", j.testSQLWrites)
	t.Run("after a kill and a restart", func(t *testing.T) { j.testRestart(t, h) })
	t.Run("after regions were moved and split", j.testMoves)
	t.Run("by the thin driver", func(t *testing.T) { j.testThinDriver(t, h) })
	t.Run("after two writers at once with equal times", j.testConcurrentWriters)
	t.Run("after a crash between table and index", j.testCrashBetween)
	t.Run("by Phoenix's IndexTool", j.testIndexTool)
	t.Run("tables laid out otherwise are refused", j.testRefusals)
}
