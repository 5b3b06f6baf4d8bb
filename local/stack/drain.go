package stack

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/audit"
)

// Drained is what the audit of a drained feed found and how fast the feed was.
type Drained struct {
	audit.Report
	Speed Speed `json:"speed"`
}

// Speed is measured from the first record published to the last offset committed.
type Speed struct {
	Seconds          float64 `json:"seconds"`
	RecordsPerSecond float64 `json:"recordsPerSecond"`
	// CPU seconds for a million records that this run published: of this process (publisher, embedded
	// services, platform), and of the function processes.
	CPUFeedstream float64 `json:"cpuSecondsPerMillionFeedstream"`
	CPUFunctions  float64 `json:"cpuSecondsPerMillionFunctions"`

	published int
}

func (s *Speed) perMillion(used float64) float64 { return used / (float64(s.published) / 1e6) }

// drain waits until everything published has its verdict, and audits.
func (s *Stack) drain(ctx context.Context, feed Feed, began time.Time, before cpu) (*Drained, error) {
	if err := s.Settle(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, errInterrupted
		}
		return nil, err
	}
	speed := Speed{published: feed.Records, Seconds: time.Since(began).Seconds()}
	speed.RecordsPerSecond = float64(feed.Records) / speed.Seconds
	speed.CPUFeedstream = speed.perMillion(usage().feedstream - before.feedstream)
	report, err := audit.Feed(ctx, &s.target, audit.Bound{}, audit.Bound{})
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return &Drained{Report: report, Speed: speed}, nil
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

// cpu is how many seconds of it were used so far: by this process, and by the function processes that have ended.
type cpu struct{ feedstream, functions float64 }

func usage() cpu { return cpu{cpuSeconds(syscall.RUSAGE_SELF), cpuSeconds(syscall.RUSAGE_CHILDREN)} }

// processTime is the processor time of this process.
func processTime() time.Duration {
	return time.Duration(cpuSeconds(syscall.RUSAGE_SELF) * float64(time.Second))
}

func cpuSeconds(who int) float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(who, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}
