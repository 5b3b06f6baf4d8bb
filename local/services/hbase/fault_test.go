package hbase

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tsuna/gohbase"
	"github.com/tsuna/gohbase/hrpc"
	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/fault"
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
	return func(c Call) bool { return c.Name == "multi" && c.Table == table }
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
		"not serving":      {Fault: fault.Fault{Err: "NotServingRegionException"}},
		"too busy":         {Fault: fault.Fault{Err: "RegionTooBusyException"}},
		"queue full":       {Fault: fault.Fault{Err: "CallQueueTooBigException"}, WholeCall: true},
		"server stopped":   {Fault: fault.Fault{Err: "RegionServerStoppedException"}, WholeCall: true},
		"log closed":       {Fault: fault.Fault{Err: "java.io.IOException", Message: "Cannot append; log is closed"}},
		"done and denied":  {Fault: fault.Fault{When: fault.After, Err: "RegionTooBusyException"}},
		"all done, denied": {Fault: fault.Fault{When: fault.After, Err: "CallQueueTooBigException"}, WholeCall: true},
		"dropped before":   {Fault: fault.Fault{Drop: true}},
		"dropped after":    {Fault: fault.Fault{When: fault.After, Drop: true}},
		"some actions":     {FailActions: map[int]string{0: "RegionTooBusyException", 2: "NotServingRegionException"}},
		"slow":             {Fault: fault.Fault{Delay: time.Millisecond}},
		"slow answer":      {Fault: fault.Fault{When: fault.After, Delay: time.Millisecond}},
		"slow and dropped": {Fault: fault.Fault{When: fault.After, Delay: time.Millisecond, Drop: true}},
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
		if call.Name == "multi" && call.Region == s.store.All()[stock].Regions[3].Name {
			return Fault{Fault: fault.Fault{Message: "made to fail"}, FailActions: map[int]string{1: "DoNotRetryIOException"}}
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
	}{
		{Fault{Fault: fault.Fault{Drop: true}}, 0},
		{Fault{Fault: fault.Fault{When: fault.After, Delay: time.Hour}}, 1},
	} {
		s.Fault(func(c Call) Fault {
			if c.Name == "mutate" || c.Name == "multi" {
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

// TestCallsAreKnownByName makes each kind of call and compares what the hook saw with what Calls promises.
func TestCallsAreKnownByName(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	var seen sync.Map
	s.Fault(func(c Call) Fault {
		seen.Store(c.Name, true)
		return Fault{}
	})
	c := connect(t, s.ZooKeeperAddr())
	mustPut(t, c, stock, "\x01r", 1, row{"A": "1"})
	get(t, c, stock, "\x01r")
	scan(t, c, stock, "", "")
	for _, call := range []string{"Mutate", "Multi"} {
		m := &pb.MutateRequest{Region: specifier(s.store.All()[stock].Regions[0]), Mutation: &pb.MutationProto{
			Row: []byte{0, 1}, MutateType: pb.MutationProto_PUT.Enum()}}
		var param proto.Message = m
		if call == "Multi" {
			param = &pb.MultiRequest{RegionAction: []*pb.RegionAction{{Region: m.Region}}}
		}
		if out, err := s.call("ClientService", request(t, call, param)); err != nil || out.Drop {
			t.Errorf("%s: %v", call, err)
		}
	}
	for method := range masterMethods {
		_, err := s.call("MasterService", request(t, method, &pb.GetTableNamesRequest{}))
		if err != nil && method != "CreateTable" { // which has no table to create
			t.Errorf("%s: %v", method, err)
		}
	}
	var names []string
	seen.Range(func(name, _ any) bool {
		names = append(names, name.(string))
		return true
	})
	slices.Sort(names)
	if diff := cmp.Diff(Calls(), names); diff != "" {
		t.Errorf("Calls (-), seen by the hook (+):\n%s", diff)
	}
}

// TestAnyCallMayFail has a plan of rules on calls that are not a Multi.
func TestAnyCallMayFail(t *testing.T) {
	t.Parallel()
	s := start(t, Options{})
	c := connect(t, s.ZooKeeperAddr())
	mustPut(t, c, stock, "\x01r", 1, row{"A": "1"})
	plan := fault.MustPlan(Faults(),
		fault.Rule{Call: "get", Count: 2, Fault: fault.Fault{Err: "RegionTooBusyException"}},
		fault.Rule{Call: "scan", Count: 1, Fault: fault.Fault{When: fault.After, Drop: true}},
		fault.Rule{Call: "create", Count: 1,
			Fault: fault.Fault{When: fault.After, Err: "DoNotRetryIOException", Message: "made so"}},
	)
	s.Fault(func(c Call) Fault { return Fault{Fault: plan.Next(c.Name)} })
	if got := get(t, c, stock, "\x01r"); len(got) != 1 {
		t.Errorf("get: %v", got)
	}
	if got := scan(t, c, stock, "", ""); len(got) != 1 {
		t.Errorf("scan: %v", got)
	}
	admin := gohbase.NewAdminClient(s.ZooKeeperAddr(), quiet())
	create := func() error {
		return admin.CreateTable(hrpc.NewCreateTable(deadline(t), []byte("made"), map[string]map[string]string{"0": nil}))
	}
	wantError(t, create(), exception.DoNotRetryIO, "made so")
	wantError(t, create(), exception.TableExists) // the failed call had made it
}
