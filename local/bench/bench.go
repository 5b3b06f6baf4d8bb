// Package bench measures a whole stack: how fast it takes a feed, what each process uses for it, how long a record is
// under way, and beside that what the machine gives to a program that does only one part of the work. The limits are
// measured in the same run, since only ratios can be compared between machines.
package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"feedstream/local/process"
	"feedstream/local/stack"
	"feedstream/shared/build"
)

// Config says what is measured.
type Config struct {
	Stack   stack.Config // each measurement runs a stack of its own, on a temporary data directory
	Records int          // of the feed that goes as fast as it can, and of each limit
	// Rate and Steady are the feed by which latency is measured: records per second, and how long.
	Rate   float64
	Steady time.Duration
	// Windows are the time windows of batches that latency is measured with, in seconds.
	Windows []int
	// Client has Part run in a process of its own, whose use is counted, against the stack on a data directory.
	Client func(ctx context.Context, what string, records int, data string) (Limit, error)
	// Tell, when not nil, hears what is being measured.
	Tell func(format string, args ...any)
}

// Result is what was measured.
type Result struct {
	Commit  string      `json:"commit"`
	Machine Machine     `json:"machine"`
	Records int         `json:"records"`
	Limits  []Limit     `json:"limits"`
	Feed    stack.Speed `json:"feed"`
	Latency []Latency   `json:"latency"`
}

// Machine is where a result comes from.
type Machine struct {
	CPUs int    `json:"cpus"`
	Go   string `json:"go"`
	OS   string `json:"os"`
}

// Run measures one thing after the other, since they share the processors. An audit that does not balance is an error:
// what is fast because it loses records is not measured.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	process.CollectLate() // as in `feedstream up`
	if cfg.Tell == nil {
		cfg.Tell = func(string, ...any) {}
	}
	result := &Result{
		Commit: build.Read().Commit, Records: cfg.Records,
		Machine: Machine{CPUs: runtime.NumCPU(), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH},
	}
	var err error
	cfg.Tell("a feed of %d records, as fast as it goes", cfg.Records)
	if result.Feed, err = drained(ctx, cfg.Stack, stack.Feed{Records: cfg.Records}); err != nil {
		return nil, err
	}
	for _, window := range cfg.Windows {
		cfg.Tell("latency at %.0f records/s for %s, batch window %d s", cfg.Rate, cfg.Steady, window)
		latency, err := cfg.latency(ctx, window)
		if err != nil {
			return nil, fmt.Errorf("measure latency with a window of %d s: %w", window, err)
		}
		result.Latency = append(result.Latency, latency)
	}
	result.Limits, err = cfg.limits(ctx)
	return result, err
}

// drained runs a stack for one feed and returns its figures.
func drained(ctx context.Context, cfg stack.Config, f stack.Feed) (stack.Speed, error) {
	f.Drain, f.Seed = true, 1
	cfg.Ephemeral = true
	ran, err := stack.Run(ctx, cfg, f)
	if err != nil {
		return stack.Speed{}, fmt.Errorf("run a feed of %d records: %w", f.Records, err)
	}
	if !ran.Balanced {
		return stack.Speed{}, fmt.Errorf("the audit of a feed of %d records does not balance: %+v", f.Records, ran.Faults)
	}
	return ran.Speed, nil
}

// variant is a copy of the manifest, beside it, with one text in the place of another: what is measured with a setting
// that production has not. The caller removes it.
func variant(manifest, old, new string) (string, error) {
	content, err := os.ReadFile(manifest)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(content), old); n != 1 {
		return "", fmt.Errorf("%s says %q %d times, want once", manifest, old, n)
	}
	file, err := os.CreateTemp(filepath.Dir(manifest), "bench-*.yaml")
	if err != nil {
		return "", err
	}
	defer file.Close()
	_, err = file.WriteString(strings.Replace(string(content), old, new, 1))
	return file.Name(), err
}
