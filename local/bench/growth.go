package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"feedstream/local/data"
	"feedstream/local/process"
	"feedstream/local/stack"
	"feedstream/shared/reference"
)

// Series is how a stack's figures grow with one quantity, all else as in production.
type Series struct {
	Of     string  `json:"of"`
	Points []Point `json:"points"`
}

// Point is one run.
type Point struct {
	At               int     `json:"at"`
	Records          int     `json:"records"`
	RecordsPerSecond float64 `json:"recordsPerSecond"`
	CPUEnrich        float64 `json:"cpuSecondsPerMillionEnrich"`
	CPUFeedstream    float64 `json:"cpuSecondsPerMillionFeedstream"`
	PeakEnrich       int64   `json:"peakMemoryBytesEnrich"`
}

// quantity is one thing that grows: each value of it makes a stack and a feed of its own.
type quantity struct {
	name   string
	values []int
	// line is the line of s.yaml that holds it, with its production value; empty when the stack or its feed holds it.
	line, production string
	set              func(at int, cfg *stack.Config, f *stack.Feed) error
}

// senders is how many addresses the simulated feed has.
const senders = 256

var quantities = []quantity{
	{name: "events a push at most", values: []int{1, 10, 100, 1000, 10000}, line: "CountBasedWindow: ", production: "1000"},
	{name: "pushes of a partition at a time", values: []int{1, 2, 4, 8, 16}, line: "                concurrency: ", production: "4"},
	{name: "distinct rows", values: []int{7_680, 76_800, 768_000}, set: func(at int, _ *stack.Config, f *stack.Feed) error {
		f.Codes = make([]string, at/senders)
		for i := range f.Codes {
			f.Codes[i] = fmt.Sprintf("%05d.HK", i)
		}
		return nil
	}},
	{name: "entries of the reference", values: []int{30, 1_000, 30_000, 1_000_000}, set: func(at int, cfg *stack.Config, _ *stack.Feed) (err error) {
		cfg.Reference, err = documents(at)
		return err
	}},
	{name: "bytes of a value", values: []int{30, 1_000, 10_000, 100_000}, set: func(at int, _ *stack.Config, f *stack.Feed) error {
		f.Records = min(f.Records, volume/at)
		if at > shortest {
			f.ValueBytes = at
		}
		return nil
	}},
	{name: "partitions", values: []int{1, 4, 16, 64}, set: func(at int, cfg *stack.Config, _ *stack.Feed) error {
		cfg.Partitions = at
		return nil
	}},
}

// shortest is about how many bytes a value has in the article's form, which is the one that is measured there.
const shortest = 30

// volume bounds the bytes of all values of one run.
const volume = 1 << 30

// documents are those that the feed reports, and as many others as it takes.
func documents(n int) ([]reference.Document, error) {
	all, err := data.Parse(data.HangSeng)
	for i := len(all); err == nil && i < n; i++ {
		all = append(all, reference.Document{
			Symbol: fmt.Sprintf("%07d.XX", i), CompanyName: fmt.Sprintf("Company number %d", i), LastPrice: 78.25, Volume: int64(i),
		})
	}
	return all, err
}

// few is how many records a push of one event is measured with: they cost so much more each.
const few = 10

// Growth runs a stack for each value of each quantity, one after the other.
func Growth(ctx context.Context, cfg Config) ([]Series, error) {
	process.CollectLate() // as in `feedstream up`
	var all []Series
	for _, q := range quantities {
		series := Series{Of: q.name}
		for _, at := range q.values {
			point, err := cfg.point(ctx, q, at)
			if err != nil {
				return nil, fmt.Errorf("%s %d: %w", q.name, at, err)
			}
			if cfg.Tell != nil {
				cfg.Tell("%s %d: %.0f records/s, feed-enrich %.2f CPU s per million", q.name, at, point.RecordsPerSecond, point.CPUEnrich)
			}
			series.Points = append(series.Points, point)
		}
		all = append(all, series)
	}
	return all, nil
}

func (c *Config) point(ctx context.Context, q quantity, at int) (_ Point, err error) {
	cfg, f := c.Stack, stack.Feed{Records: c.Records}
	if at == 1 && q.line != "" {
		f.Records /= few
	}
	if q.set != nil {
		if err := q.set(at, &cfg, &f); err != nil {
			return Point{}, err
		}
	} else {
		if cfg.Manifest, err = variant(cfg.Manifest, q.line+q.production, q.line+strconv.Itoa(at)); err != nil {
			return Point{}, err
		}
		defer func() { err = errors.Join(err, os.Remove(cfg.Manifest)) }()
	}
	speed, err := drained(ctx, cfg, f)
	if err != nil {
		return Point{}, err
	}
	point := Point{At: at, Records: f.Records, RecordsPerSecond: speed.RecordsPerSecond, CPUFeedstream: speed.CPUFeedstream}
	for _, p := range speed.Processes {
		if p.Name == "feed-enrich" {
			point.CPUEnrich, point.PeakEnrich = p.CPU, p.PeakMemory
		}
	}
	return point, nil
}

// GrowthMarkdown writes one table a quantity.
func GrowthMarkdown(w io.Writer, all []Series) {
	for _, series := range all {
		fmt.Fprintf(w, "| %s | records/s | feed-enrich, CPU s per million | feed-enrich, peak memory |\n|---|---|---|---|\n", series.Of)
		for _, p := range series.Points {
			fmt.Fprintf(w, "| %d | %.0f | %.2f | %.0f MB |\n", p.At, p.RecordsPerSecond, p.CPUEnrich, float64(p.PeakEnrich)/1e6)
		}
		fmt.Fprintln(w)
	}
}
