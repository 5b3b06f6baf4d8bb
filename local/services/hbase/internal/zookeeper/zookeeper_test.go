package zookeeper

import "testing"

func FuzzZooKeeperRequest(f *testing.F) {
	f.Add(append([]byte{0, 0, 0, 1, 0, 0, 0, opGetData, 0, 0, 0, 6}, "/hbase"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 8 {
			return
		}
		if answer := (Nodes{root: nil}).answer(b); len(answer) < 16 {
			t.Errorf("short answer %x", answer)
		}
	})
}
