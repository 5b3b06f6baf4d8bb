package cost

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func about(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9+0.0005*math.Abs(want) {
		t.Errorf("%s is %.6f, want %.6f", what, got, want)
	}
}

func known(t *testing.T, what string, amount *float64) float64 {
	t.Helper()
	if amount == nil {
		t.Fatalf("%s is unknown", what)
	}
	return *amount
}

func listPrices(t *testing.T) Prices {
	t.Helper()
	p, err := ReadPrices("")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// basis is a function of 1 vCPU and 1 GB in full batches, four tasks, no refresh.
func basis(t *testing.T, batch, cpuSeconds, busy float64) Basis {
	t.Helper()
	return Basis{
		Shape:    Shape{Enrich: Size{1, 1, 8}, Batch: batch, Tasks: 4, Deliveries: 4, Functions: 4, EnrichName: "feed-enrich"},
		Measured: Measured{CPUSeconds: cpuSeconds, Busy: busy, Network: 5e9},
		Prices:   listPrices(t),
	}
}

const aMillion = 1e6 / secondsOfAMonth // records/s that are a million in a month

// What the vendor's own pages reckon.
func TestThePagesOwnExamples(t *testing.T) {
	p := listPrices(t)
	about(t, "a million calls in CNY", p.Sites[0].compute(1e6*p.Units.Call), 0.825)
	about(t, "a million calls in USD", p.Sites[1].compute(1e6*p.Units.Call), 0.15)
	example := Basis{Shape: Shape{Enrich: Size{0.25, 0.5, 1}, Batch: 1, Tasks: 1}, Prices: p,
		Measured: Measured{CPUSeconds: 0.2e6 * 0.25, Busy: 1, Network: 5e9}}
	use := example.use(Load{Rate: 3 * aMillion, RecordBytes: 1})
	about(t, "3 million calls of 200 ms", use.All(), 217_500)
	about(t, "and in USD", p.Sites[1].compute(use.All()), 4.35)
	about(t, "beyond the first tiers", p.Sites[0].compute(1.2e9), 200e6*0.00011+800e6*0.0001+200e6*0.00009)
}

func TestAMillionRecords(t *testing.T) {
	for _, test := range []struct {
		name                  string
		batch, cpu, busy      float64
		calls, work, cny, usd float64
	}{
		{"floor, batch 1", 1, 11, 1, 7500, 12.65, 0.826391, 0.150253},
		{"floor, batch 1000", 1000, 11, 1, 7.5, 12.65, 0.002216, 0.000403},
		{"busy, batch 1", 1, 11, 0.55, 7500, 23, 0.827530, 0.150460},
		{"busy, batch 100", 100, 11, 0.55, 75, 23, 0.010780, 0.001960},
		{"busy, batch 1000", 1000, 11, 0.55, 7.5, 23, 0.003355, 0.000610},
		{"busy, batch 10000", 10000, 11, 0.55, 0.75, 23, 0.002613, 0.000475},
	} {
		bills := basis(t, test.batch, test.cpu, test.busy).Bills(Load{Rate: aMillion, RecordBytes: 200})
		about(t, test.name+": calls", bills[0].Use.Calls, test.calls)
		about(t, test.name+": work", bills[0].Use.Work, test.work)
		about(t, test.name+": CNY", math.Round(bills[0].Compute*1e6)/1e6, test.cny)
		about(t, test.name+": USD", math.Round(bills[1].Compute*1e6)/1e6, test.usd)
		about(t, test.name+": with the stream", bills[1].Compute+known(t, "stream", bills[1].ByVolume), test.usd+0.41)
	}
}

// Both ways of the event stream: by volume each 64 KB and each repetition counts, by capacity each task does.
func TestStreams(t *testing.T) {
	b := basis(t, 1000, 11, 0.55)
	for _, test := range []struct{ rate, cu, volume, capacity, total float64 }{
		{1000, 79_056, 1062.72, 97.92, 99.5011},
		{100_000, 7_905_600, 106_272, 489.6, 647.712},
		{1e6, 79_056_000, 1_062_720, 4896, 6477.12},
	} {
		bill := b.Bills(Load{Rate: test.rate, RecordBytes: 200})[1]
		about(t, "compute units", bill.Use.All(), test.cu)
		about(t, "by volume", known(t, "volume", bill.ByVolume), test.volume)
		about(t, "by capacity", known(t, "capacity", bill.ByCapacity), test.capacity)
		about(t, "total", known(t, "total", bill.Total), test.total)
	}
	twice := b.Bills(Load{Rate: 1000, RecordBytes: 64<<10 + 1, RetryShare: 0.5})[1]
	about(t, "two events each, half of them again", known(t, "volume", twice.ByVolume), 1062.72*2*1.5)
	about(t, "by bytes", twice.StreamUnits, 4)
	if china := b.Bills(Load{Rate: 1000, RecordBytes: 200})[0]; china.ByVolume != nil || china.ByCapacity != nil || china.Total != nil {
		t.Errorf("prices that nobody publishes are known: %+v", china)
	}
	// Four tasks cost the same by either way at 239 million events a month, 92 a second.
	even := b.Bills(Load{Rate: 92.14, RecordBytes: 200})[1]
	about(t, "at 92 records/s", known(t, "volume", even.ByVolume), known(t, "capacity", even.ByCapacity))
}

// A window pushes what there is, however little: four tasks, a push a second.
func TestAWindowPushesAtLowRates(t *testing.T) {
	b := basis(t, 1000, 10_000, 1)
	b.Shape.Window = time.Second
	bill := b.Bills(Load{Rate: 100, RecordBytes: 200})[0]
	about(t, "pushes", bill.Pushes, 10_368_000)
	about(t, "calls", bill.Use.Calls, 77_760)
	about(t, "full batches", b.Shape.Pushes(1e6), 1000)
	about(t, "fewer records than windows", b.Shape.Pushes(0.5), 0.5)
}

// Each function costs the least price of an hour in each hour in which it is called.
func TestTheLeastPriceOfAnHour(t *testing.T) {
	site := listPrices(t).Sites[0]
	about(t, "nothing used", known(t, "minimum", site.minimum(4, Use{})), 28.8)
	about(t, "used by two", known(t, "minimum", site.minimum(4, Use{Work: 1e6, Refresh: 3736.8})), 3*7.2-3736.8*0.00011)
	if international := listPrices(t).Sites[1]; international.minimum(4, Use{}) != nil {
		t.Error("a price that nobody publishes is known")
	}
}

// Refreshes and the initialisers of new instances are billed as calls are.
func TestInitialisersAreBilled(t *testing.T) {
	b := basis(t, 1000, 11, 0.55)
	b.Shape.Refresh, b.Shape.Refreshes, b.Measured.Refresh = Size{0.35, 0.5, 1}, 8640, 1
	b.Shape.EnrichStarts, b.Measured.StartTime = true, 2
	use := b.use(Load{Rate: 100_000, RecordBytes: 200})
	about(t, "refresh", use.Refresh, 3736.8)
	about(t, "initialisers of 2 instances", use.Initialisers, 2*720*(0.0075+2*1.15))
}

func TestShapeOfTheManifest(t *testing.T) {
	b, err := Files{Manifest: "../../s.yaml"}.Read()
	if err != nil {
		t.Fatal(err)
	}
	s := b.Shape
	if s.EnrichName != "feed-enrich" || s.Functions != 4 || s.Batch != 1000 || s.Tasks != 4 || s.Enrich != (Size{1, 1, 8}) ||
		s.Refreshes != 8640 || !s.EnrichStarts || s.Window != time.Second || s.Refresh.VCPU != 0.35 {
		t.Errorf("shape = %+v", s)
	}
}

func TestWhatCannotBeReckonedWith(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, test := range map[string]struct {
		files Files
		want  string
	}{
		"no prices":        {Files{Prices: file("a", "date: x\n")}, "sites"},
		"unknown key":      {Files{Prices: file("b", "dates: x\n")}, "dates"},
		"falling tiers":    {Files{Prices: file("c", "units: {vcpuSecond: 1}\nsites: [{name: n, unit: [{upTo: 5, price: 1}, {upTo: 4, price: 1}, {price: 1}]}]\n")}, "tier 2"},
		"endless tiers":    {Files{Prices: file("d", "units: {vcpuSecond: 1}\nsites: [{name: n, unit: [{upTo: 5, price: 1}]}]\n")}, "tier 1"},
		"a negative price": {Files{Prices: file("e", "units: {vcpuSecond: 1}\nsites: [{name: n, unit: [{price: 1}], functionHour: -1}]\n")}, "-1"},
		"no run":           {Files{Run: file("f", "{}")}, "no processor time"},
		"text":             {Files{Run: file("g", "x")}, "no output"},
		"not there":        {Files{Run: filepath.Join(dir, "none")}, "none"},
	} {
		test.files.Manifest = "../../s.yaml"
		if _, err := test.files.Read(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if b, err := (Files{Manifest: "../../s.yaml", Run: file("h",
		`{"speed":{"processes":[{"name":"feed-enrich","cpuSecondsPerMillion":7,"peakMemoryBytes":5}]}}`)}).Read(); err != nil || b.Measured.CPUSeconds != 7 {
		t.Errorf("%+v, %v", b.Measured, err)
	}
	for _, l := range []Load{{}, {Rate: -1, RecordBytes: 1}, {Rate: math.NaN(), RecordBytes: 1}, {Rate: 1, RecordBytes: 1, RetryShare: -1}, {Rate: math.Inf(1), RecordBytes: 1, RetryShare: 1}} {
		if l.Check() == nil {
			t.Errorf("%+v is a load", l)
		}
	}
}
