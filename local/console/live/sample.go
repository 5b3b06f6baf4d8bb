package live

import (
	"time"

	"feedstream/local/platform/latency"
)

// Sample is one second of the stack as a page shows it. Its names are those that templates and the script use.
type Sample struct {
	At int64 `json:"at"` // Unix milliseconds

	// Totals since the data directory began; invocations and errors since the stack did.
	Published    int64 `json:"published"`
	Enriched     int64 `json:"enriched"`
	Unmatched    int64 `json:"unmatched"`
	Quarantined  int64 `json:"quarantined"`
	DeadLettered int64 `json:"deadLettered"`
	Invocations  int64 `json:"invocations"`
	Errors       int64 `json:"errors"`

	// Rates are per second since the sample before.
	PublishedRate    float64 `json:"publishedRate"`
	CommittedRate    float64 `json:"committedRate"` // records whose offsets were committed
	WrittenRate      float64 `json:"writtenRate"`   // enriched and unmatched: rows and output records
	EnrichedRate     float64 `json:"enrichedRate"`
	UnmatchedRate    float64 `json:"unmatchedRate"`
	QuarantinedRate  float64 `json:"quarantinedRate"`
	DeadLetteredRate float64 `json:"deadLetteredRate"`
	InvocationRate   float64 `json:"invocationRate"`
	ErrorRate        float64 `json:"errorRate"`

	Lag       int64   `json:"lag"`
	Lags      []int64 `json:"lags"` // by partition
	InFlight  int     `json:"inFlight"`
	Waiting   int     `json:"waiting"`
	Instances int     `json:"instances"`
	// P50 and P99 are milliseconds from Kafka to the acknowledged output, of the last five seconds with
	// records; null without.
	P50 *float64 `json:"p50"`
	P99 *float64 `json:"p99"`

	FunctionsCPU float64 `json:"functionsCPU"` // of one processor: 1.5 is one and a half
	StackCPU     float64 `json:"stackCPU"`     // of the stack's own process: services, platform, simulated feed

	// So far: processor seconds of the functions, compute units as Function Compute bills them, and both for a
	// million records; zero before there are records.
	CPUSeconds    float64 `json:"cpuSeconds"`
	CPUPerMillion float64 `json:"cpuPerMillion"`
	Units         float64 `json:"units"`
	UnitsMillion  float64 `json:"unitsPerMillion"`

	Version   string  `json:"version"`
	Revision  int64   `json:"revision"`
	Entries   int     `json:"entries"`
	Age       float64 `json:"age"`    // seconds
	MaxAge    float64 `json:"maxAge"` // seconds; 0: it does not age
	Pinned    bool    `json:"pinned"`
	FaultsOn  int     `json:"faultsOn"`
	Failing   int     `json:"failing"`   // pushes
	LastError string  `json:"lastError"` // of the event stream

	// State and Words are what is wrong with each part of the pipeline: a class of colour and what it means.
	State map[string]State  `json:"state"`
	Words map[string]string `json:"words"`
	// Problems are what a person should look at, the worst first.
	Problems []Problem `json:"problems"`
}

// Problem is what is wrong, in words, and where it is looked into.
type Problem struct {
	State State  `json:"state"`
	Text  string `json:"text"`
	Href  string `json:"href"`
	Link  string `json:"link"`
}

// State is how a part of the pipeline is.
type State string

// States of a part.
const (
	Well    State = "well"
	Warning State = "warning"
	Wrong   State = "wrong"
)

// Prices of Function Compute 3.0 in compute units: a vCPU second, a second of one gigabyte, and an invocation. A test
// holds them to the list of prices in local/cost.
const (
	unitsPerCPUSecond      = 1
	unitsPerGigabyteSecond = 0.15
	unitsPerInvocation     = 75.0 / 10_000
)

// latencyWindow is over how many samples the quantiles go.
const latencyWindow = 5

// sampler makes samples out of pictures of a stack, each against the one before.
type sampler struct {
	last      Status
	at        time.Time
	latencies []latency.Counts // of the last samples
}

func (s *sampler) sample(now time.Time, status *Status) Sample {
	elapsed := now.Sub(s.at).Seconds()
	if s.at.IsZero() || elapsed <= 0 {
		s.last, elapsed = *status, 1 // nothing has happened since
	}
	v, before := status.Verdicts, s.last.Verdicts
	rate := func(now, before int64) float64 { return max(float64(now-before)/elapsed, 0) }
	out := Sample{
		At: now.UnixMilli(), Enriched: v.Enriched, Unmatched: v.Unmatched, Quarantined: v.Quarantined, DeadLettered: v.DeadLettered,
		EnrichedRate: rate(v.Enriched, before.Enriched), UnmatchedRate: rate(v.Unmatched, before.Unmatched),
		QuarantinedRate: rate(v.Quarantined, before.Quarantined), DeadLetteredRate: rate(v.DeadLettered, before.DeadLettered),
		WrittenRate: rate(v.Enriched+v.Unmatched, before.Enriched+before.Unmatched), Lag: status.Lag, FaultsOn: status.Faults,
		Failing: len(status.Failing), Version: status.Reference.Version, Revision: status.Reference.Revision,
		Entries: status.Reference.Entries, Age: status.Reference.AgeSeconds, Pinned: status.Reference.Pinned,
		StackCPU: max((status.OwnCPU-s.last.OwnCPU).Seconds()/elapsed, 0), Lags: []int64{},
	}
	if !status.Reference.Pinned {
		out.MaxAge = status.Reference.MaxAge.Seconds()
	}
	s.streams(&out, status, rate)
	s.functions(&out, status, elapsed)
	out.judge(status)
	s.last, s.at = *status, now
	return out
}

func (s *sampler) streams(out *Sample, status *Status, rate func(now, before int64) float64) {
	end, committed, counts := ends(status)
	endBefore, committedBefore, countsBefore := ends(&s.last)
	out.Published = end
	out.PublishedRate, out.CommittedRate = rate(end, endBefore), rate(committed, committedBefore)
	for _, stream := range status.Streams {
		out.InFlight += stream.InFlight
		out.Waiting += stream.Waiting
		out.LastError = stream.LastError
		for _, p := range stream.Partitions {
			out.Lags = append(out.Lags, p.Lag)
		}
	}
	s.latencies = append(s.latencies, counts.Since(countsBefore))
	if len(s.latencies) > latencyWindow {
		s.latencies = s.latencies[1:]
	}
	var window latency.Counts
	for _, each := range s.latencies {
		window = window.Plus(each)
	}
	out.P50, out.P99 = milliseconds(window, 0.5), milliseconds(window, 0.99)
}

func milliseconds(c latency.Counts, q float64) *float64 {
	d, ok := c.Quantile(q)
	if !ok {
		return nil
	}
	ms := float64(d) / float64(time.Millisecond)
	return &ms
}

func ends(status *Status) (end, committed int64, counts latency.Counts) {
	for _, stream := range status.Streams {
		counts = counts.Plus(stream.Latency)
		for _, p := range stream.Partitions {
			end += p.End
			committed += p.Committed
		}
	}
	return end, committed, counts
}

func (s *sampler) functions(out *Sample, status *Status, elapsed float64) {
	before := map[string]Function{}
	for _, f := range s.last.Functions {
		before[f.Name] = f
	}
	var cpu time.Duration
	for _, f := range status.Functions {
		was := before[f.Name]
		out.Instances += f.Instances
		out.Invocations += f.Invocations
		out.Errors += f.Errors
		out.InvocationRate += max(float64(f.Invocations-was.Invocations)/elapsed, 0)
		out.ErrorRate += max(float64(f.Errors-was.Errors)/elapsed, 0)
		cpu += f.CPUTime - was.CPUTime
		out.CPUSeconds += f.CPUTime.Seconds()
		out.Units += f.Busy.Seconds()*(f.CPU*unitsPerCPUSecond+float64(f.MemoryMB)/1024*unitsPerGigabyteSecond) +
			float64(f.Invocations)*unitsPerInvocation
	}
	out.FunctionsCPU = max(cpu.Seconds()/elapsed, 0)
	if done := s.doneHere(status); done > 0 {
		out.CPUPerMillion, out.UnitsMillion = out.CPUSeconds/done*1e6, out.Units/done*1e6
	}
}

// doneHere is how many records the functions of this run have answered for: the others are of runs before.
func (s *sampler) doneHere(status *Status) (done float64) {
	for _, stream := range status.Streams {
		for _, n := range stream.Latency {
			done += float64(n)
		}
	}
	return done
}
