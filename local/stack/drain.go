package stack

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/audit"
	"feedstream/local/process"
)

// Drained is what the audit of a drained feed found and how fast the feed was.
type Drained struct {
	audit.Report
	Speed Speed `json:"speed"`

	meter meter
}

// Speed is measured from the first record published to the last offset committed.
type Speed struct {
	Seconds          float64 `json:"seconds"`
	RecordsPerSecond float64 `json:"recordsPerSecond"`
	// CPU seconds for a million records that this run published: of this process (publisher, embedded
	// services, platform), and of the function processes.
	CPUFeedstream float64 `json:"cpuSecondsPerMillionFeedstream"`
	CPUFunctions  float64 `json:"cpuSecondsPerMillionFunctions"`
	// Processes is what each process used: this one first, then the functions in the manifest's order.
	Processes []Share `json:"processes"`
}

// Share is what the processes of one name used, for a million records that the run published.
type Share struct {
	Name       string  `json:"name"`
	CPU        float64 `json:"cpuSecondsPerMillion"`
	PeakMemory int64   `json:"peakMemoryBytes"`
}

// meter holds what was used when the feed began and when it had drained.
type meter struct {
	records       int
	began         time.Time
	seconds       float64
	before, after []used
}

func (s *Stack) startMeter(records int) meter {
	return meter{records: records, began: time.Now(), before: s.used()}
}

// stop ends the measurement; what the functions used is read again when they have ended, which is the only time at
// which each system tells.
func (m *meter) stop(after []used) {
	m.seconds, m.after = time.Since(m.began).Seconds(), after
}

func (m *meter) speed(ended []used) Speed {
	speed := Speed{Seconds: m.seconds, RecordsPerSecond: float64(m.records) / m.seconds}
	for n, process := range append(m.after[:1:1], ended[1:]...) {
		share := Share{Name: process.name, PeakMemory: process.PeakMemory}
		share.CPU = (process.CPU - m.before[n].CPU).Seconds() / (float64(m.records) / 1e6)
		if n == 0 {
			speed.CPUFeedstream = share.CPU
		} else {
			speed.CPUFunctions += share.CPU
		}
		speed.Processes = append(speed.Processes, share)
	}
	return speed
}

// used is what the processes of one name have used so far.
type used struct {
	name string
	process.Usage
}

// used is this process first, then the functions in the manifest's order.
func (s *Stack) used() []used {
	all := []used{{"feedstream", process.Self()}}
	for _, f := range s.platform.Status().Functions {
		all = append(all, used{f.Name, f.Used})
	}
	return all
}

// drain waits until everything published has its verdict, and audits.
func (s *Stack) drain(ctx context.Context, m meter) (*Drained, error) {
	if err := s.Settle(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, errInterrupted
		}
		return nil, err
	}
	m.stop(s.used())
	report, err := audit.Feed(ctx, &s.target, audit.Bound{}, audit.Bound{})
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return &Drained{Report: report, meter: m}, nil
}

// Settle returns once every record that the input topic holds now has its verdict.
func (s *Stack) Settle(ctx context.Context) error {
	input := s.target.Names.Topics.Input
	ends, err := s.endOffsets(ctx, input)
	if err != nil {
		return fmt.Errorf("find the end of %s: %w", input, err)
	}
	if err := s.platform.WaitCommitted(ctx, input, ends); err != nil {
		return fmt.Errorf("wait for the verdicts: %w", err)
	}
	return nil
}

// endOffsets returns the high watermark of each partition.
func (s *Stack) endOffsets(ctx context.Context, topic string) (map[int]int64, error) {
	options, err := s.target.KafkaOptions()
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	listed, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, err
	}
	ends := map[int]int64{}
	listed.Each(func(end kadm.ListedOffset) { ends[int(end.Partition)] = end.Offset })
	return ends, nil
}
