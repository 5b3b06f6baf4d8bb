package cost

import (
	"errors"
	"fmt"
	"slices"
)

// Keyspace is what the table of a feed comes to hold, and how fast its servers are.
type Keyspace struct {
	Keys          float64 `json:"keys"`          // rows: senders times stock codes
	SaltBuckets   float64 `json:"saltBuckets"`   // of the table, and of its index
	RowsPerServer float64 `json:"rowsPerServer"` // that a region server writes in a second
}

// Check refuses what no table can be.
func (k Keyspace) Check() error {
	if !(k.Keys > 0) || k.SaltBuckets < 1 || k.SaltBuckets > 256 || !(k.RowsPerServer > 0) {
		return fmt.Errorf("%g keys in %g salt buckets at %g rows/s a server: write positive ones, and 1 to 256 buckets", k.Keys, k.SaltBuckets, k.RowsPerServer)
	}
	return nil
}

// Sizes of what one record becomes. A test holds them to the encoders.
const (
	eventEnvelope  = 480.0 // bytes around a record in a push
	recordGrowth   = 270.0 // bytes by which the output record is longer than the input's
	dataRowBytes   = 620.0 // with the key, family, qualifier and time that HBase repeats in each cell
	indexRowBytes  = 55.0
	regionBytes    = 10e9 // at which HBase splits a region
	bytesInMemory  = 12.0 // of the instance, for a byte of an event in flight
	mostBody       = 32 << 20
	fewPartitions  = 4
	bitsPerByte    = 8
	mostDeliveries = 300.0 // pushes at a time, of one event stream
	mostInstances  = 100.0 // of a region by default: 100 international, 300 in China
	mostVCPU       = 600.0 // of a large region
)

// Plan is how large the services of a feed must be, and what ends first when it grows.
type Plan struct {
	Load     Load     `json:"load"`
	Keyspace Keyspace `json:"keyspace"`

	Partitions float64 `json:"partitions"` // of the input topic
	Tasks      float64 `json:"tasks"`      // of the event stream
	Deliveries float64 `json:"deliveries"` // pushes at a time
	Pushes     float64 `json:"pushesPerSecond"`
	Instances  float64 `json:"instances"`
	MemoryGB   float64 `json:"memoryGB"` // of all instances

	Regions  float64 `json:"regions"` // of the table and its index
	Servers  float64 `json:"regionServers"`
	Rows     float64 `json:"rowsPerSecond"` // of both
	Requests float64 `json:"requestsPerSecond"`
	StoredGB float64 `json:"storedGB"` // before compression and replication

	KafkaIn   float64  `json:"kafkaInBitsPerSecond"` // input as published and output
	KafkaOut  float64  `json:"kafkaOutBitsPerSecond"`
	ToHBase   float64  `json:"hbaseBitsPerSecond"`
	Bills     []Bill   `json:"bills"`
	Limits    []Limit  `json:"limits"` // that which is met first, first
	Remarks   []string `json:"remarks"`
	OneRecord Sizes    `json:"bytesOfARecord"`
}

// Sizes of one record in its forms, in bytes.
type Sizes struct {
	Event  float64 `json:"event"`
	Output float64 `json:"output"`
	Rows   float64 `json:"rows"`
}

func (l Load) sizes() Sizes {
	return Sizes{Event: l.RecordBytes + eventEnvelope, Output: l.RecordBytes + recordGrowth, Rows: dataRowBytes + indexRowBytes}
}

// moved are the bytes that an instance takes and gives for one record.
func (s Sizes) moved() float64 { return s.Event + s.Output + s.Rows }

// Limit is one that a feed meets when it grows.
type Limit struct {
	Name   string  `json:"name"`
	Needs  float64 `json:"needs"`
	Most   float64 `json:"most"`
	MetAt  float64 `json:"metAtRecordsPerSecond"`
	Remedy string  `json:"remedy"`
}

// MakePlan sizes a feed. The tasks, and with them the partitions, grow with the load; all else of the shape stays.
func MakePlan(l Load, k Keyspace, b Basis) (Plan, error) {
	if err := errors.Join(l.Check(), k.Check()); err != nil {
		return Plan{}, err
	}
	p := Plan{Load: l, Keyspace: k, OneRecord: l.sizes()}
	rate, s := l.Rate*(1+l.RetryShare), b.Shape
	p.Tasks = streamUnits(l, 1)
	p.Partitions = max(p.Tasks, fewPartitions)
	b.Shape.Tasks = p.Tasks
	p.Instances = b.instances(l)
	p.MemoryGB = p.Instances * s.Enrich.MemoryGB
	p.Deliveries = p.Instances * s.Enrich.AtOnce
	p.Pushes = b.Shape.Pushes(l.Rate)
	p.hbase(rate)
	p.KafkaIn = (l.Rate*l.RecordBytes + rate*p.OneRecord.Output) * bitsPerByte
	p.KafkaOut = rate * l.RecordBytes * bitsPerByte
	p.ToHBase = rate * p.OneRecord.Rows * bitsPerByte
	p.Bills = b.Bills(l)
	p.limits(b.busy(l), s)
	p.remarks(s)
	return p, nil
}

func (p *Plan) hbase(rate float64) {
	k := p.Keyspace
	p.Rows = 2 * rate
	p.Servers = max(1, ceil(p.Rows/k.RowsPerServer))
	p.Regions = max(k.SaltBuckets, ceil(k.Keys*dataRowBytes/regionBytes)) + max(k.SaltBuckets, ceil(k.Keys*indexRowBytes/regionBytes))
	p.StoredGB = k.Keys * (dataRowBytes + indexRowBytes) / 1e9
	p.Requests = 2 * p.Pushes * min(p.Servers, p.Regions/2) // one call a server, for the data rows and then the index rows
}

// limits are those of quotas and of what does not scale by itself; each grows with the rate.
func (p *Plan) limits(busy float64, s Shape) {
	add := func(name string, needs, most float64, remedy string) {
		p.Limits = append(p.Limits, Limit{Name: name, Needs: needs, Most: most, MetAt: p.Load.Rate * most / needs, Remedy: remedy})
	}
	add("pushes at a time of one event stream", busy*s.Enrich.AtOnce, mostDeliveries, "ask for a higher quota, or give instances more vCPU")
	add("instances of a region", busy, mostInstances, "ask for a higher quota (300 in China), or give instances more vCPU")
	add("vCPU of a region", busy*s.Enrich.VCPU, mostVCPU, "ask for a higher quota")
	add("regions that can be written at a time", p.Rows/p.Keyspace.RowsPerServer, p.Regions,
		"make table and index with more SALT_BUCKETS (up to 256), or split their regions")
	slices.SortStableFunc(p.Limits, func(a, b Limit) int {
		if a.MetAt < b.MetAt {
			return -1
		}
		return 1
	})
}

// remarks are about what does not grow with the rate.
func (p *Plan) remarks(s Shape) {
	remark := func(broken bool, text string, args ...any) {
		if broken {
			p.Remarks = append(p.Remarks, fmt.Sprintf(text, args...))
		}
	}
	body := min(s.Batch*p.OneRecord.Event, mostBody)
	remark(s.Batch*p.OneRecord.Event > mostBody, "a push of %g records is cut at 32 MB, that is at %.0f", s.Batch, mostBody/p.OneRecord.Event)
	needs := body * s.Enrich.AtOnce * bytesInMemory / (1 << 30)
	remark(needs > s.Enrich.MemoryGB, "%g pushes at a time need %.1f GB and an instance has %.1f: some wait for others", s.Enrich.AtOnce, needs, s.Enrich.MemoryGB)
}
