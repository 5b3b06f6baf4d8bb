package hbase

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tsuna/gohbase"
	"github.com/tsuna/gohbase/hrpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"pgregory.net/rapid"

	embedded "feedstream/local/services/hbase"
	"feedstream/shared/testkit"
)

// Once the regions are known, a push is one call a server and phase, whatever its rows; what a region does not
// take goes again by itself.
func TestAPushIsOneCallAPhase(t *testing.T) {
	s, err := embedded.Start(embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c, err := New(Config{ZooKeeper: s.ZooKeeperAddr()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	counted := &counting{Client: c.hbase}
	c.hbase = counted
	write := func() (single, batches int64) {
		t.Helper()
		counted.single.Store(0)
		counted.batches.Store(0)
		if err := c.WriteRows(t.Context(), "USER_TEST.STOCK", "USER_TEST.STOCK_CODE_INDEX", testRows(1000)); err != nil {
			t.Fatal(err)
		}
		return counted.single.Load(), counted.batches.Load()
	}
	if single, batches := write(); single != 0 || batches == 0 {
		t.Errorf("%d calls and %d batches while no region is known", single, batches)
	}
	if single, batches := write(); single != 2 || batches != 0 {
		t.Errorf("%d calls and %d batches, want one call for the data rows and one for the index rows", single, batches)
	}
	var refused atomic.Bool
	s.Fault(func(call embedded.Call) (f embedded.Fault) {
		if call.Name == "multi" && refused.CompareAndSwap(false, true) {
			f.Err = "NotServingRegionException" // one region of one call
		}
		return f
	})
	if single, batches := write(); single != 2 || batches == 0 {
		t.Errorf("%d calls and %d batches after a region has refused", single, batches)
	}
	if single, batches := write(); single != 2 || batches != 0 {
		t.Errorf("%d calls and %d batches once the region is known again", single, batches)
	}
}

// counting counts what is asked of the library.
type counting struct {
	gohbase.Client
	single, batches atomic.Int64
}

func (c *counting) SendRPC(call hrpc.Call) (proto.Message, error) {
	c.single.Add(1)
	return c.Client.(gohbase.RPCClient).SendRPC(call)
}

func (c *counting) SendBatch(ctx context.Context, calls []hrpc.Call) ([]hrpc.RPCResult, bool) {
	c.batches.Add(1)
	return c.Client.SendBatch(ctx, calls)
}

// sending stands for a library that sends a call so many times and answers it, or does not.
type sending struct {
	gohbase.Client
	times int
	err   error
}

func (s sending) SendRPC(call hrpc.Call) (proto.Message, error) {
	for range s.times {
		call.(*multi).SerializeCellBlocks(nil)
	}
	return &emptypb.Empty{}, s.err
}

// What the library may still be sending is not written over by another call.
func TestTheMemoryOfACallInDoubtIsNotUsedAgain(t *testing.T) {
	for name, library := range map[string]sending{
		"sent twice":   {times: 2},
		"not answered": {times: 1, err: context.DeadlineExceeded},
		"never sent":   {times: 0},
	} {
		c := &Client{cfg: Config{ReadTimeout: time.Second}, hbase: library}
		call := newMulti(rows{layout.Table, testRows(1).Data(), []int{0}}, []action{{&place{}, []int{0}}}, nil)
		c.sendMulti(t.Context(), call, make([]bool, 1))
		if used := c.memories.Get(); used != nil {
			t.Errorf("%s: the memory of the call is for use again", name)
		}
	}
}

// The index rows are planned while the data rows are written, and that plan is not used when it does not hold.
func TestIndexRowsArePlannedAhead(t *testing.T) {
	c := &Client{cfg: Config{BatchRows: 2, BatchBytes: 1 << 20, InFlight: 1, ReadTimeout: time.Second}}
	batch := testRows(3)
	sent := &recording{}
	c.hbase = sent
	for name, test := range map[string]struct {
		write []int
		calls int // of the rows planned
	}{
		"all":         {[]int{0, 1, 2}, 1},
		"not the 2nd": {[]int{0, 2}, 0},
		"none":        {nil, 0},
	} {
		c.regions.tables = map[string]places{layout.Index: {{server: "one"}}} // a call that fails has it forgotten
		planned := c.plan(c.first(rows{layout.Index, batch.Index(), []int{0, 1, 2}}))
		sent.calls = nil
		c.phase(t.Context(), "index", rows{layout.Index, batch.Index(), test.write}, planned)
		got := 0
		for _, call := range sent.calls {
			if call == planned.calls[0] {
				got++
			}
		}
		if got != test.calls {
			t.Errorf("%s: the planned call was sent %d times, want %d", name, got, test.calls)
		}
	}
}

// recording stands for a library that keeps what it is to send, and acknowledges none of it.
type recording struct {
	gohbase.Client
	calls []hrpc.Call
}

func (r *recording) SendRPC(call hrpc.Call) (proto.Message, error) {
	r.calls = append(r.calls, call)
	return nil, errors.New("not sent")
}

func (r *recording) SendBatch(_ context.Context, calls []hrpc.Call) ([]hrpc.RPCResult, bool) {
	return make([]hrpc.RPCResult, len(calls)), true
}

// BenchmarkWriteRows writes data rows and index rows, sends those whose calls are made before, and sends such calls in a
// bare loop: to the embedded HBase, and to the real one that the environment names.
func BenchmarkWriteRows(b *testing.B) {
	b.Run("embedded", func(b *testing.B) {
		s, err := embedded.Start(embedded.Options{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = s.Close() })
		writeInTurns(b, s.ZooKeeperAddr())
	})
	if place := testkit.RealPlace("HBASE"); place != "" {
		b.Run("real", func(b *testing.B) { writeInTurns(b, place) })
	}
}

func writeInTurns(b *testing.B, zookeeper string) {
	c, err := New(Config{ZooKeeper: zookeeper})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	batch := testRows(1000)
	numbers := make([]int, batch.Len())
	for i := range numbers {
		numbers[i] = i
	}
	if err := c.WriteRows(b.Context(), layout.Table, layout.Index, batch); err != nil { // which learns the regions
		b.Fatal(err)
	}
	var calls []*multi
	for _, all := range []rows{{layout.Table, batch.Data(), numbers}, {layout.Index, batch.Index(), numbers}} {
		for _, call := range c.plan(all).calls {
			call.ctx = b.Context()
			calls = append(calls, call)
		}
	}
	data, index := rows{layout.Table, batch.Data(), numbers}, rows{layout.Index, batch.Index(), numbers}
	var planned [2]*plan
	testkit.InTurns(b, batch.Len(), testkit.Way{Name: "bare", Do: func() error {
		for _, call := range calls {
			if _, err := c.hbase.(gohbase.RPCClient).SendRPC(call); err != nil {
				return err
			}
		}
		return nil
	}}, testkit.Way{Name: "made-before", Ready: func() { planned = [2]*plan{c.plan(data), c.plan(index)} }, Do: func() error {
		_, err := c.phase(b.Context(), "data", data, planned[0])
		if err == nil {
			_, err = c.phase(b.Context(), "index", index, planned[1])
		}
		return err
	}}, testkit.Way{Name: "WriteRows", Do: func() error {
		return c.WriteRows(b.Context(), layout.Table, layout.Index, batch)
	}})
}

// The regions that are known hold what they were learned for, do not overlap, and are found by their rows.
func TestDirectory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var known places
		for range rapid.IntRange(0, 30).Draw(t, "regions") {
			start := rapid.SliceOfN(rapid.Byte(), 0, 2).Draw(t, "start")
			stop := rapid.SliceOfN(rapid.Byte(), 0, 2).Draw(t, "stop")
			if len(stop) > 0 && slices.Compare(start, stop) >= 0 {
				continue
			}
			found := &place{start: start, stop: stop}
			known = append(known.without(found.overlaps), found)
			slices.SortFunc(known, func(a, b *place) int { return slices.Compare(a.start, b.start) })
			if i := known.find(start); i < 0 || known[i] != found {
				t.Fatalf("the region just learned is not found by its first row")
			}
		}
		key := rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "key")
		holding := slices.IndexFunc(known, func(p *place) bool { return p.holds(key) })
		if i := known.find(key); i != holding {
			t.Fatalf("%x is found in %d, it lies in %d", key, i, holding)
		}
	})
}

// Whatever an answer holds, only rows of its call are marked, and reading ends.
func FuzzMultiAnswer(f *testing.F) {
	f.Add([]byte{0x0a, 0x04, 0x0a, 0x02, 0x08, 0x00})
	f.Add([]byte{0x0a, 0x02, 0x12, 0x00})
	f.Fuzz(func(t *testing.T, answer []byte) {
		acknowledged := make([]bool, 6)
		_ = readMulti(answer, []action{{rows: []int{1, 2}}, {rows: []int{4}}}, acknowledged)
		if acknowledged[0] || acknowledged[5] {
			t.Errorf("rows outside of the call are marked: %v", acknowledged)
		}
	})
}
