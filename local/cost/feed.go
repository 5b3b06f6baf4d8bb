package cost

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"time"

	"feedstream/local/platform/cron"
	"feedstream/local/platform/manifest"
)

// Month is what a month is reckoned as: 30 days.
const Month = 30 * 24 * time.Hour

// Load is what a feed brings.
type Load struct {
	Rate        float64 `json:"recordsPerSecond"`
	RecordBytes float64 `json:"recordBytes"` // of a record's value and key
	RetryShare  float64 `json:"retryShare"`  // of the events that are delivered a second time
}

// Check refuses a load that is none.
func (l Load) Check() error {
	if !(l.Rate > 0) || !(l.RecordBytes > 0) || !(l.RetryShare >= 0) || math.IsInf(l.Rate*l.RecordBytes*l.RetryShare, 0) {
		return fmt.Errorf("a load of %g records/s of %g bytes with %g repeated is none: write a positive rate and size", l.Rate, l.RecordBytes, l.RetryShare)
	}
	return nil
}

// Measured is how much of an instance of the enriching function a million records takes.
type Measured struct {
	Command    string  `json:"command"`              // that gave the figures
	CPUSeconds float64 `json:"cpuSecondsPerMillion"` // of the function's processes
	// Busy is the share of its billed time in which an instance computes. For the rest all of its pushes wait for
	// HBase and Kafka. Pushes that overlap are billed once.
	Busy       float64 `json:"busyShare"`
	PeakMemory float64 `json:"peakMemoryBytes"`
	StartTime  float64 `json:"startSeconds"`         // an instance's initialiser
	Refresh    float64 `json:"refreshSeconds"`       // one run
	Network    float64 `json:"networkBitsPerSecond"` // that an instance is promised
}

// billedSeconds are the seconds of an instance for a million records: of its processor or, where that has less to do,
// of its network.
func (m Measured) billedSeconds(l Load, vcpu float64) float64 {
	return max(m.CPUSeconds/vcpu/m.Busy, 1e6*l.sizes().moved()*bitsPerByte/m.Network)
}

// Check refuses figures that no run can have.
func (m Measured) Check() error {
	if !(m.CPUSeconds > 0) || !(m.Busy > 0) || m.Busy > 1 || !(m.Network > 0) || m.StartTime < 0 || m.Refresh < 0 {
		return fmt.Errorf("%g CPU seconds a million records at a busy share of %g over %g bit/s: write positive ones, and a share up to 1",
			m.CPUSeconds, m.Busy, m.Network)
	}
	return nil
}

// ReadRun takes the figures of the function from what `up --records N --drain --json` printed; the rest stays as it was.
func (m Measured) ReadRun(file, function string) (Measured, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return m, fmt.Errorf("read the measured run: %w", err)
	}
	var run struct {
		Speed struct {
			Processes []struct {
				Name       string
				CPU        float64 `json:"cpuSecondsPerMillion"`
				PeakMemory float64 `json:"peakMemoryBytes"`
			}
		}
	}
	if err := json.Unmarshal(content, &run); err != nil {
		return m, fmt.Errorf("%s is no output of `feedstream up --records N --drain --json`: %w", file, err)
	}
	for _, p := range run.Speed.Processes {
		if p.Name == function && p.CPU > 0 {
			m.Command, m.CPUSeconds, m.PeakMemory = file, p.CPU, p.PeakMemory
			return m, nil
		}
	}
	return m, fmt.Errorf("%s has no processor time of %s: write there what `feedstream up --records N --drain --json` prints", file, function)
}

// Shape is what the manifest decides.
type Shape struct {
	Enrich       Size
	Refresh      Size
	Refreshes    float64 // a month
	Functions    int     // all of the manifest
	Batch        float64 // records a push
	Window       time.Duration
	Tasks        float64
	Deliveries   float64 // pushes at a time
	EnrichName   string
	EnrichStarts bool // it has an initialiser
}

// Size is that of an instance.
type Size struct {
	VCPU, MemoryGB float64
	AtOnce         float64 // requests at a time
}

// ShapeOf reads the shape of a manifest's feed.
func ShapeOf(m *manifest.Manifest) (Shape, error) {
	s := Shape{Functions: len(m.Functions)}
	for _, f := range m.Functions {
		size := Size{f.CPU, float64(f.MemoryMB) / 1024, float64(f.InstanceConcurrency)}
		for _, stream := range f.Streams {
			s.Enrich, s.EnrichName, s.EnrichStarts = size, f.Name, f.Initializer != nil
			s.Batch, s.Window = float64(stream.BatchCount), stream.BatchWindow
			s.Tasks, s.Deliveries = float64(stream.MaximumTasks), float64(stream.Concurrency)
		}
		if len(f.Command) == 0 || path.Base(f.Command[0]) != "refresh" {
			continue
		}
		s.Refresh = size
		for _, timer := range f.Timers {
			times, err := perMonth(timer.Cron)
			if err != nil {
				return s, fmt.Errorf("timer %s of %s: %w", timer.Name, f.Name, err)
			}
			s.Refreshes += times
		}
	}
	if s.EnrichName == "" {
		return s, errors.New(m.Path + " has no event stream: nothing to reckon with")
	}
	return s, nil
}

// perMonth counts the runs of a timer in 30 days.
func perMonth(expression string) (times float64, err error) {
	schedule, err := cron.Parse(expression)
	if err != nil {
		return 0, err
	}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for at := schedule.Next(begin); !at.IsZero() && !at.After(begin.Add(Month)); at = schedule.Next(at) {
		times++
	}
	return times, nil
}

// Pushes are those of a second: a batch that is full, or each window what has come until then.
func (s Shape) Pushes(rate float64) float64 {
	full := rate / s.Batch
	if s.Window <= 0 {
		return full
	}
	return max(full, min(s.Tasks/s.Window.Seconds(), rate))
}
