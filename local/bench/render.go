package bench

import (
	"fmt"
	"io"
)

// Markdown writes the tables that the README shows.
func (r *Result) Markdown(w io.Writer) {
	fmt.Fprintf(w, "Commit %s, %s, %s, %d CPUs, %d records a measurement.\n\n", r.Commit, r.Machine.Go, r.Machine.OS, r.Machine.CPUs, r.Records)
	fmt.Fprintf(w, "A feed as fast as it goes: %.0f records/s.\n\n", r.Feed.RecordsPerSecond)
	fmt.Fprintln(w, "| process | CPU s per million records | peak memory |\n|---|---|---|")
	for _, p := range r.Feed.Processes {
		if p.CPU > 0 || p.PeakMemory > 0 {
			fmt.Fprintf(w, "| %s | %.2f | %.0f MB |\n", p.Name, p.CPU, float64(p.PeakMemory)/1e6)
		}
	}
	fmt.Fprintln(w, "\n| one part alone | records/s | CPU s per million |\n|---|---|---|")
	for _, l := range r.Limits {
		fmt.Fprintf(w, "| %s | %.0f | %.2f |\n", l.Name, l.RecordsPerSecond, l.CPU)
	}
	fmt.Fprintln(w, "\n| from event to output topic | p50 | p99 | p99.9 |\n|---|---|---|---|")
	for _, l := range r.Latency {
		fmt.Fprintf(w, "| %.0f records/s, batch window %d s | %.0f ms | %.0f ms | %.0f ms |\n", l.Rate, l.Window, l.P50, l.P99, l.P999)
	}
}

// Benchmarks writes the figures in the form of `go test -bench`, which benchstat compares. Source: "Proposal: Go
// Benchmark Data Format".
func (r *Result) Benchmarks(w io.Writer) {
	fmt.Fprintf(w, "BenchmarkFeed 1 %.0f records/s\n", r.Feed.RecordsPerSecond)
	for _, p := range r.Feed.Processes {
		fmt.Fprintf(w, "BenchmarkFeed/%s 1 %.3f cpu-s/M %d peak-B\n", p.Name, p.CPU, p.PeakMemory)
	}
	for _, l := range r.Limits {
		fmt.Fprintf(w, "BenchmarkLimit/%s 1 %.0f records/s %.3f cpu-s/M\n", l.Name, l.RecordsPerSecond, l.CPU)
	}
	for _, l := range r.Latency {
		fmt.Fprintf(w, "BenchmarkLatency/window=%ds 1 %.0f p50-ms %.0f p99-ms %.0f p999-ms\n", l.Window, l.P50, l.P99, l.P999)
	}
}
