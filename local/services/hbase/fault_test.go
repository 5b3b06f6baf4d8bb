package hbase

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tsuna/gohbase/hrpc"

	"feedstream/local/services/hbase/internal/exception"
)

// once lets a fault happen on the first call that matches.
func once(matches func(Call) bool, f Fault) func(Call) Fault {
	var done atomic.Bool
	return func(c Call) Fault {
		if matches(c) && done.CompareAndSwap(false, true) {
			return f
		}
		return Fault{}
	}
}

func multiTo(table string) func(Call) bool {
	return func(c Call) bool { return c.Method == "Multi" && c.Table == table }
}

func stockPuts(t testing.TB, n int) []*hrpc.Mutate {
	t.Helper()
	var puts []*hrpc.Mutate
	for i := range n {
		puts = append(puts, put(t, stock, fmt.Sprintf("%c%03d", i%16, i), 1, row{"A": "1"}))
	}
	return puts
}

// TestClientOvercomesPassingFaults has faults that a client answers with a repetition.
func TestClientOvercomesPassingFaults(t *testing.T) {
	t.Parallel()
	faults := map[string]Fault{
		"not serving":      {Exception: exception.NotServingRegion},
		"too busy":         {Exception: exception.RegionTooBusy},
		"queue full":       {Exception: exception.CallQueueTooBig, WholeCall: true},
		"server stopped":   {Exception: exception.RegionServerStopped, WholeCall: true},
		"log closed":       {Exception: exception.JavaIO, Message: "Cannot append; log is closed"},
		"dropped before":   {Drop: DropBefore},
		"dropped after":    {Drop: DropAfter},
		"some actions":     {FailActions: map[int]string{0: exception.RegionTooBusy, 2: exception.NotServingRegion}},
		"slow":             {Delay: time.Millisecond, DelayAnswer: time.Millisecond},
		"slow and dropped": {Delay: time.Millisecond, Drop: DropAfter},
	}
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, Options{})
			c := connect(t, s.ZooKeeperAddr())
			mustPut(t, c, stock, "\x01warm", 1, row{"A": "1"})
			s.Fault(once(multiTo(stock), f))
			batch(t, c, stockPuts(t, 100))
			s.Fault(nil)
			if n := len(scan(t, c, stock, "", "")); n != 101 {
				t.Errorf("%d rows, want 101", n)
			}
		})
	}
}

func TestFinalFaultsReachTheCaller(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	c := connect(t, s.ZooKeeperAddr())
	s.Fault(func(call Call) Fault {
		if call.Method == "Multi" && call.Region == s.store.All()[stock].Regions[3].Name {
			return Fault{FailActions: map[int]string{1: exception.DoNotRetryIO}, Message: "made to fail"}
		}
		return Fault{}
	})
	puts := stockPuts(t, 160)
	calls := make([]hrpc.Call, len(puts))
	for i, p := range puts {
		calls[i] = p
	}
	results, ok := c.SendBatch(deadline(t), calls)
	if ok {
		t.Fatal("batch did not fail")
	}
	var failed []int
	for i, r := range results {
		if r.Error != nil {
			failed = append(failed, i)
			if !strings.Contains(r.Error.Error(), "made to fail") {
				t.Errorf("call %d: %v", i, r.Error)
			}
		}
	}
	if diff := cmp.Diff([]int{19}, failed); diff != "" {
		t.Error(diff)
	}
	if n := len(scan(t, c, stock, "", "")); n != 159 {
		t.Errorf("%d rows, want 159", n)
	}
}

func TestRefusedCallAppliesNothingAndDroppedAnswerDoes(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	c := connect(t, s.ZooKeeperAddr())
	mustPut(t, c, stock, "\x01warm", 1, row{"A": "1"})
	for _, test := range []struct {
		fault Fault
		want  int
	}{{Fault{Drop: DropBefore}, 0}, {Fault{DelayAnswer: time.Hour}, 1}} {
		s.Fault(func(c Call) Fault {
			if c.Method == "Mutate" || c.Method == "Multi" {
				return test.fault
			}
			return Fault{}
		})
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		m, err := hrpc.NewPutStr(ctx, stock, "\x02r", map[string]map[string][]byte{"0": {"A": nil}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Put(m); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("put: %v", err)
		}
		cancel()
		if n := len(scan(t, c, stock, "\x02", "\x03")); n != test.want {
			t.Errorf("%+v: %d rows, want %d", test.fault, n, test.want)
		}
	}
}

func TestMovedAndSplitRegions(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	c := connect(t, s.ZooKeeperAddr())
	batch(t, c, stockPuts(t, 100))
	if err := s.MoveRegion(stock, []byte("\x03")); err != nil {
		t.Fatal(err)
	}
	batch(t, c, stockPuts(t, 100))
	if err := s.SplitRegion(stock, []byte("\x03050")); err != nil {
		t.Fatal(err)
	}
	batch(t, c, stockPuts(t, 200))
	if n := len(scan(t, c, stock, "", "")); n != 200 {
		t.Errorf("%d rows, want 200", n)
	}
	if n := len(scan(t, connect(t, s.ZooKeeperAddr()), stock, "\x03", "\x04")); n != 13 {
		t.Errorf("%d rows in the split range, want 13", n)
	}
	if err := s.SplitRegion(stock, []byte("\x04")); err == nil {
		t.Error("split at the first row of a region")
	}
	if err := s.MoveRegion("none", nil); err == nil {
		t.Error("moved a region of no table")
	}
}

// TestServerStopsUnderLoad closes and reopens the server while clients write; each acknowledged batch is there.
func TestServerStopsUnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, Options{Dir: dir})
	c := connect(t, s.ZooKeeperAddr())
	var writers sync.WaitGroup
	var acknowledged atomic.Int64
	stop := make(chan struct{})
	for w := range 4 {
		writers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				var calls []hrpc.Call
				for i := range 50 {
					m, err := hrpc.NewPutStr(context.Background(), stock, fmt.Sprintf("%c%d-%06d-%d", i%16, w, n, i),
						map[string]map[string][]byte{"0": {"A": []byte("1")}})
					if err != nil {
						t.Error(err)
						return
					}
					calls = append(calls, m)
				}
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				if _, ok := c.SendBatch(ctx, calls); ok {
					acknowledged.Add(int64(len(calls)))
				} else {
					t.Error("batch failed")
				}
				cancel()
			}
		})
	}
	for range 3 {
		seen := acknowledged.Load()
		for acknowledged.Load() < seen+1000 {
			time.Sleep(time.Millisecond)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = start(t, Options{Dir: dir, ZooKeeperAddr: s.ZooKeeperAddr(), Addr: s.Addr()})
	}
	close(stop)
	writers.Wait()
	if n := int64(len(scan(t, c, stock, "", ""))); n < acknowledged.Load() {
		t.Errorf("%d rows, %d acknowledged", n, acknowledged.Load())
	}
}
