package stack

import (
	"fmt"
	"io"
	"time"

	"feedstream/local/console/live"
	"feedstream/local/process"
	"feedstream/local/target"
)

// Status is a picture of the stack. It is cheap.
func (s *Stack) Status() live.Status { return s.page.Status() }

// picture is the status but for the reference, which the console follows.
func (s *Stack) picture() live.Status {
	p, counts := s.platform.Status(), s.verdicts.Counts()
	status := live.Status{
		Ready: true,
		Verdicts: live.Verdicts{
			Enriched: int64(counts.Enriched), Unmatched: int64(counts.Unmatched),
			Quarantined: int64(counts.Quarantined), DeadLettered: int64(counts.DeadLettered),
		},
		Faults: len(s.Faults()), OwnCPU: process.Self().CPU,
	}
	for _, f := range p.Functions {
		status.Functions = append(status.Functions, live.Function{
			Name: f.Name, Instances: f.Instances, Invocations: f.Invocations, Errors: f.Errors,
			MemoryMB: f.MemoryMB, CPU: f.CPU, Busy: f.Busy, CPUTime: f.Used.CPU,
		})
	}
	for _, stream := range p.Streams {
		status.Lag += stream.Lag
		for _, push := range stream.Failing {
			status.Failing = append(status.Failing, target.Failing(push))
		}
		followed := live.Stream{
			Function: stream.Function, Topic: stream.Topic, Group: stream.Group, InFlight: stream.InFlight,
			Waiting: stream.Waiting, LastError: stream.LastError, Latency: stream.Latency,
		}
		for _, p := range stream.Partitions {
			followed.Partitions = append(followed.Partitions, live.Partition(p))
		}
		status.Streams = append(status.Streams, followed)
	}
	return status
}

func (s *Stack) printCounts(w io.Writer) {
	status := s.Status()
	fmt.Fprintf(w, "%s  enriched %d  unmatched %d  quarantined %d  dead-lettered %d  lag %d\n", time.Now().Format(time.TimeOnly),
		status.Verdicts.Enriched, status.Verdicts.Unmatched, status.Verdicts.Quarantined, status.Verdicts.DeadLettered, status.Lag)
}
