package cost

import (
	"math"
)

// Bill is what a month of a feed costs at one site. An amount that is nil is unknown.
type Bill struct {
	Site     string  `json:"site"`
	Currency string  `json:"currency"`
	Load     Load    `json:"load"`
	Records  float64 `json:"records"`
	Pushes   float64 `json:"pushes"`
	Use      Use     `json:"computeUnits"`

	Compute float64 `json:"compute"` // all compute units
	// Minimum is what the least price of a function-hour adds, when every function is called in every hour.
	Minimum     *float64 `json:"minimum"`
	ByVolume    *float64 `json:"streamByVolume"`
	ByCapacity  *float64 `json:"streamByCapacity"`
	StreamUnits float64  `json:"streamUnits"` // of the capacity
	Total       *float64 `json:"total"`       // with the cheaper way of the stream
}

// Use are the compute units of a month.
type Use struct {
	Calls        float64 `json:"calls"` // of pushes
	Work         float64 `json:"work"`  // of pushes
	Refresh      float64 `json:"refresh"`
	Initialisers float64 `json:"initialisers"`
}

func (u Use) enrich() float64 { return u.Calls + u.Work + u.Initialisers }

// All is their sum.
func (u Use) All() float64 { return u.enrich() + u.Refresh }

const (
	eventUnit       = 64 << 10 // bytes that are billed as one event
	unitEvents      = 5_000.0  // events/s of a unit of an event stream
	unitBytes       = 50e6     // bytes/s of it
	hours           = 720.0    // of a month
	startsAnHour    = 1.0      // instances that are started anew, of each that runs
	secondsOfAMonth = 30 * 24 * 3600.0
)

// Bills reckons a month at each site.
func (b Basis) Bills(l Load) (bills []Bill) {
	use := b.use(l)
	for _, site := range b.Prices.Sites {
		bill := Bill{Site: site.Name, Currency: site.Currency, Load: l, Use: use,
			Records: l.Rate * secondsOfAMonth, Pushes: b.Shape.Pushes(l.Rate) * secondsOfAMonth * (1 + l.RetryShare)}
		bill.Compute = site.compute(use.All())
		bill.Minimum = site.minimum(b.Shape.Functions, use)
		bill.StreamUnits = streamUnits(l, b.Shape.Tasks)
		bill.ByVolume = times(site.StreamMillion, events(l, bill.Records)/1e6)
		bill.ByCapacity = times(site.StreamUnitHour, bill.StreamUnits*hours)
		if bill.ByVolume != nil && bill.ByCapacity != nil {
			total := bill.Compute + min(*bill.ByVolume, *bill.ByCapacity)
			if bill.Minimum != nil {
				total += *bill.Minimum
			}
			bill.Total = &total
		}
		bills = append(bills, bill)
	}
	return bills
}

// use counts compute units. Instances are billed while any of their pushes runs: pushes that overlap, once.
func (b Basis) use(l Load) Use {
	u, s, m := b.Prices.Units, b.Shape, b.Measured
	perSecond := func(size Size) float64 { return u.VCPUSecond*size.VCPU + u.GigabyteSecond*size.MemoryGB }
	records := l.Rate * secondsOfAMonth * (1 + l.RetryShare)
	use := Use{
		Calls:   s.Pushes(l.Rate) * secondsOfAMonth * (1 + l.RetryShare) * u.Call,
		Work:    records / 1e6 * m.billedSeconds(l, s.Enrich.VCPU) * perSecond(s.Enrich),
		Refresh: s.Refreshes * (u.Call + m.Refresh*perSecond(s.Refresh)),
	}
	if s.EnrichStarts {
		starts := b.instances(l) * startsAnHour * hours
		use.Initialisers = starts * (u.Call + m.StartTime*perSecond(s.Enrich))
	}
	return use
}

// busy is how many instances are busy at a time, in the mean.
func (b Basis) busy(l Load) float64 {
	return l.Rate * (1 + l.RetryShare) / 1e6 * b.Measured.billedSeconds(l, b.Shape.Enrich.VCPU)
}

// instances are those that it takes, at least one.
func (b Basis) instances(l Load) float64 { return max(1, ceil(b.busy(l))) }

// ceil overlooks what floating-point arithmetic adds to a whole number.
func ceil(x float64) float64 { return math.Ceil(x - 1e-9) }

// minimum is what is billed beyond the compute units: hours are billed one by one and function by function. What is
// used is spread evenly here; query and publish have none.
func (s Site) minimum(functions int, use Use) *float64 {
	if s.FunctionHour == nil {
		return nil
	}
	least := *s.FunctionHour * hours
	used := []float64{use.enrich(), use.Refresh}
	added := 0.0
	for i := range functions {
		own := 0.0
		if i < len(used) {
			own = s.compute(used[i])
		}
		added += max(0, least-own)
	}
	return &added
}

// events are those that an event stream bills: each 64 KB one, repetitions too.
func events(l Load, records float64) float64 {
	return records * ceil(l.RecordBytes/eventUnit) * (1 + l.RetryShare)
}

// streamUnits is the capacity that an event stream needs; each of its tasks has one at least.
func streamUnits(l Load, tasks float64) float64 {
	rate := l.Rate * (1 + l.RetryShare)
	return max(tasks, ceil(rate/unitEvents), ceil(rate*l.RecordBytes/unitBytes))
}

func times(price *float64, amount float64) *float64 {
	if price == nil {
		return nil
	}
	product := *price * amount
	return &product
}
