package live

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"feedstream/local/cost"
	"feedstream/local/platform/latency"
	"feedstream/local/target"
)

func TestSample(t *testing.T) {
	var s sampler
	var h latency.Histogram
	at := time.Unix(1000, 0)
	status := func(done int64, busy time.Duration) *Status {
		return &Status{
			Verdicts:  Verdicts{Enriched: done, Quarantined: done / 10},
			Functions: []Function{{Name: "feed-enrich", Instances: 2, Invocations: done / 10, MemoryMB: 1024, CPU: 1, Busy: busy, CPUTime: busy / 2}},
			Streams:   []Stream{{Partitions: []Partition{{0, done / 2, done, done / 2}, {1, done / 2, done, done / 2}}, Latency: h.Counts()}},
			Lag:       done, Reference: Reference{Version: "v", Entries: 3, AgeSeconds: 100, MaxAge: time.Minute},
		}
	}
	first := s.sample(at, status(1000, time.Second))
	if first.EnrichedRate != 0 || first.PublishedRate != 0 || first.P50 != nil {
		t.Errorf("the first sample has rates: %+v", first)
	}
	for range 100 {
		h.Add(10 * time.Millisecond)
	}
	got := s.sample(at.Add(2*time.Second), status(3000, 3*time.Second))
	if got.EnrichedRate != 1000 || got.QuarantinedRate != 100 || got.PublishedRate != 2000 || got.CommittedRate != 1000 ||
		got.InvocationRate != 100 || got.FunctionsCPU != 0.5 || got.Published != 6000 || len(got.Lags) != 2 {
		t.Errorf("sample = %+v", got)
	}
	if got.P50 == nil || *got.P50 < 10 || *got.P50 > 12 {
		t.Errorf("p50 = %v", got.P50)
	}
	prices, err := cost.ReadPrices("")
	if err != nil {
		t.Fatal(err)
	}
	// 3 s of one vCPU and one gigabyte, and 300 invocations, as the list of prices counts them.
	if want := 3*(prices.Units.VCPUSecond+prices.Units.GigabyteSecond) + 300*prices.Units.Call; got.Units < want-1e-9 || got.Units > want+1e-9 || got.UnitsMillion != got.Units/100*1e6 {
		t.Errorf("units = %g, %g per million, want %g", got.Units, got.UnitsMillion, want)
	}
	if got.State["reference"] != Wrong || got.Problems[0].Href != "/reference" {
		t.Errorf("a reference past its limit: %v, %v", got.State, got.Problems)
	}
	for range latencyWindow {
		got = s.sample(at.Add(time.Hour), status(3000, 3*time.Second))
	}
	if got.P50 != nil {
		t.Errorf("p50 = %g long after the last record", *got.P50)
	}
}

func TestProblems(t *testing.T) {
	var s sampler
	for name, test := range map[string]struct {
		status Status
		part   string
		want   State
	}{
		"pushes fail":    {Status{Failing: []target.Failing{{Error: "no"}}}, "stream", Wrong},
		"HBase":          {Status{Failing: []target.Failing{{Error: "write 3 rows to HBase: no"}}}, "hbase", Wrong},
		"dead letters":   {Status{Verdicts: Verdicts{DeadLettered: 1}}, "deadletter", Warning},
		"no reference":   {Status{}, "reference", Wrong},
		"pinned":         {Status{Reference: Reference{Version: "v", Pinned: true, MaxAge: 1, AgeSeconds: 9}}, "reference", Warning},
		"all is as well": {Status{Reference: Reference{Version: "v"}}, "reference", Well},
	} {
		got := s.sample(time.Unix(1, 0), &test.status)
		if got.State[test.part] != test.want || got.Words[test.part] == "" {
			t.Errorf("%s: %s is %s, %q", name, test.part, got.State[test.part], got.Words[test.part])
		}
	}
}

// The ring keeps the last 15 minutes in order and never more.
func TestRing(t *testing.T) {
	r := NewRing()
	if _, _, ok := r.Last(); ok {
		t.Error("an empty ring has a last sample")
	}
	for at := range int64(Kept + 10) {
		r.add(Sample{At: at})
	}
	history := r.History()
	if len(history) != Kept || cap(r.samples) > 2*Kept {
		t.Fatalf("%d samples are kept", len(history))
	}
	for i, s := range history {
		if s.At != int64(10+i) {
			t.Fatalf("sample %d is %d", i, s.At)
		}
	}
	if last, _, _ := r.Last(); last.At != Kept+9 {
		t.Errorf("the last is %d", last.At)
	}
}

// A reader gets the newest sample at once and each one after it.
func TestEvents(t *testing.T) {
	r := NewRing()
	r.add(Sample{At: 1})
	server := httptest.NewServer(http.HandlerFunc(r.ServeEvents))
	defer server.Close()
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for at := range int64(3) {
		for lines.Scan() && lines.Text() == "" { // between events
		}
		text, ok := strings.CutPrefix(lines.Text(), "data: ")
		var s Sample
		if err := json.Unmarshal([]byte(text), &s); !ok || err != nil || s.At != at+1 {
			t.Fatalf("event %d is %s: %v", at, lines.Text(), err)
		}
		r.add(Sample{At: at + 2})
	}
}

func TestHistory(t *testing.T) {
	r := NewRing()
	r.add(Sample{At: 1, Lags: []int64{4}})
	r.add(Sample{At: 2, Lags: []int64{5, 6}})
	w := httptest.NewRecorder()
	r.ServeHistory(w, nil)
	var c columns
	if err := json.Unmarshal(w.Body.Bytes(), &c); err != nil || len(c.At) != 2 || len(c.P50) != 2 || c.Lags[1][1] != 6 {
		t.Errorf("history = %s, %v", w.Body, err)
	}
}
