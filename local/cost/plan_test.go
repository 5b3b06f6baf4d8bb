package cost

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPlanOfAMillionRecordsASecond(t *testing.T) {
	b := basis(t, 1000, 11, 0.55)
	p, err := MakePlan(Load{Rate: 1e6, RecordBytes: 200}, Keyspace{Keys: 1e8, SaltBuckets: 16, RowsPerServer: 50_000}, b)
	if err != nil {
		t.Fatal(err)
	}
	for what, values := range map[string][2]float64{
		"partitions":           {p.Partitions, 200}, // 5,000 events/s a task
		"tasks":                {p.Tasks, 200},
		"pushes/s":             {p.Pushes, 1000},
		"instances":            {p.Instances, 20},
		"pushes at a time":     {p.Deliveries, 160},
		"memory":               {p.MemoryGB, 20},
		"regions":              {p.Regions, 32},
		"rows/s":               {p.Rows, 2e6},
		"region servers":       {p.Servers, 40},
		"bit/s out of Kafka":   {p.KafkaOut, 1.6e9},
		"stream by capacity":   {known(t, "capacity", p.Bills[1].ByCapacity), 4896},
		"a month":              {known(t, "total", p.Bills[1].Total), 6477.12},
		"the first limit's":    {p.Limits[0].MetAt, 800_000},
		"pushes' limit met at": {p.Limits[1].MetAt, 1.875e6},
	} {
		about(t, what, values[0], values[1])
	}
	if !strings.Contains(p.Limits[0].Name, "regions") || len(p.Remarks) != 0 {
		t.Errorf("limits %+v, remarks %q", p.Limits, p.Remarks)
	}
}

// What does not grow with the rate is remarked.
func TestPlanRemarks(t *testing.T) {
	b := basis(t, 10_000, 11, 0.55)
	p, err := MakePlan(Load{Rate: 1000, RecordBytes: 5000}, Keyspace{Keys: 1, SaltBuckets: 1, RowsPerServer: 1}, b)
	if err != nil || len(p.Remarks) != 2 || !strings.Contains(p.Remarks[0], "32 MB") || !strings.Contains(p.Remarks[1], "some wait") {
		t.Errorf("%q, %v", p.Remarks, err)
	}
	for _, k := range []Keyspace{{}, {Keys: 1, SaltBuckets: 257, RowsPerServer: 1}, {Keys: math.NaN(), SaltBuckets: 1, RowsPerServer: 1}} {
		if _, err := MakePlan(Load{Rate: 1, RecordBytes: 1}, k, b); err == nil {
			t.Errorf("%+v is a key space", k)
		}
	}
}

// More records never need or cost less, and the limits are in the order in which they are met.
func TestAPlanGrowsWithItsLoad(t *testing.T) {
	b := basis(t, 1000, 11, 0.55)
	rapid.Check(t, func(t *rapid.T) {
		k := Keyspace{Keys: rapid.Float64Range(1, 1e12).Draw(t, "keys"), SaltBuckets: 16, RowsPerServer: 50_000}
		l := Load{Rate: rapid.Float64Range(0.001, 1e8).Draw(t, "rate"), RecordBytes: rapid.Float64Range(1, 1e6).Draw(t, "bytes")}
		small, err := MakePlan(l, k, b)
		if err != nil {
			t.Fatal(err)
		}
		l.Rate *= rapid.Float64Range(1, 100).Draw(t, "growth")
		large, err := MakePlan(l, k, b)
		if err != nil {
			t.Fatal(err)
		}
		for what, values := range map[string][2]float64{
			"tasks": {small.Tasks, large.Tasks}, "instances": {small.Instances, large.Instances}, "rows": {small.Rows, large.Rows},
			"requests": {small.Requests, large.Requests}, "total": {*small.Bills[1].Total, *large.Bills[1].Total},
		} {
			if values[1] < values[0]*(1-1e-9) {
				t.Errorf("%s fall from %g to %g", what, values[0], values[1])
			}
		}
		for i, limit := range small.Limits[1:] {
			if limit.MetAt < small.Limits[i].MetAt {
				t.Errorf("limits are out of order: %+v", small.Limits)
			}
		}
	})
}
