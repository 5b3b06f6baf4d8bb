package main

import (
	"context"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/audit"
)

// drainResult is what `up --records N --drain` found and how fast it was.
type drainResult struct {
	audit.Report
	Speed speed `json:"speed"`
}

// speed is measured from the first record published to the last offset committed.
type speed struct {
	Seconds          float64 `json:"seconds"`
	RecordsPerSecond float64 `json:"recordsPerSecond"`
	// CPU seconds for a million records: of this process (publisher, embedded services, platform), and
	// of the function processes, which are counted once they have ended.
	CPUFeedstream float64 `json:"cpuSecondsPerMillionFeedstream"`
	CPUFunctions  float64 `json:"cpuSecondsPerMillionFunctions"`
}

// drain waits until everything published has its verdict, and audits.
func (s *stack) drain(ctx context.Context, o *upOptions, began time.Time) (*drainResult, error) {
	ends, err := s.services.environment.endOffsets(ctx, topics.Input)
	if err != nil {
		return nil, fmt.Errorf("find the end of %s: %w", topics.Input, err)
	}
	if err := s.platform.WaitCommitted(ctx, topics.Input, ends); err != nil {
		return nil, fmt.Errorf("wait for the verdicts: %w", err)
	}
	took := time.Since(began).Seconds()
	millions := float64(o.records) / 1e6
	result := &drainResult{Speed: speed{
		Seconds: took, RecordsPerSecond: float64(o.records) / took, CPUFeedstream: cpuSeconds(syscall.RUSAGE_SELF) / millions,
	}}
	result.Report, err = s.services.environment.audit(ctx, audit.Bound{}, audit.Bound{})
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return result, nil
}

// print ends the command with exit code 1 when the audit does not balance.
func (d *drainResult) print(asJSON bool, w io.Writer) error {
	d.Speed.CPUFunctions = cpuSeconds(syscall.RUSAGE_CHILDREN) / (float64(d.Published) / 1e6)
	if asJSON {
		if err := printJSON(w, d); err != nil {
			return err
		}
	} else {
		d.Render(w)
		fmt.Fprintf(w, "\n%.0f records/s over %.1f s; CPU seconds per million records: feedstream %.1f, functions %.1f\n",
			d.Speed.RecordsPerSecond, d.Speed.Seconds, d.Speed.CPUFeedstream, d.Speed.CPUFunctions)
	}
	if !d.Balanced {
		return errFound
	}
	return nil
}

func cpuSeconds(who int) float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(who, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

// endOffsets returns the high watermark of each partition.
func (e environment) endOffsets(ctx context.Context, topic string) (map[int]int64, error) {
	k, err := e.kafka()
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(kafkaOptions(k)...)
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
