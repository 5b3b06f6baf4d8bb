package hbase

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tsuna/gohbase/hrpc"
)

func TestBatchOfManyRegionsIsReadBack(t *testing.T) {
	c := connect(t, start(t, Options{}).ZooKeeperAddr())
	var puts []*hrpc.Mutate
	for i := range 1000 {
		puts = append(puts, put(t, stock, fmt.Sprintf("%c%05d", i%16, i), 100, row{"_0": "x", "A": fmt.Sprint(i), "EMPTY": ""}))
	}
	batch(t, c, puts)
	for _, i := range []int{0, 1, 500, 999} {
		want := []string{fmt.Sprintf("A@100=%d", i), "EMPTY@100=", "_0@100=x"}
		if diff := cmp.Diff(want, get(t, c, stock, fmt.Sprintf("%c%05d", i%16, i))); diff != "" {
			t.Error(diff)
		}
	}
	if n := len(scan(t, c, stock, "", "")); n != 1000 {
		t.Errorf("scan found %d rows, want 1000", n)
	}
	if n := len(scan(t, c, stock, "\x0f\xff", "", hrpc.Reversed())); n != 1000 {
		t.Errorf("reversed scan found %d rows, want 1000", n)
	}
}
