package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"feedstream/local/bench"
	"feedstream/local/stack"
	"feedstream/local/stack/stacktest"
	"feedstream/local/target"
)

var (
	records = flag.Int("bench.records", 5000, "records of each measurement")
	rate    = flag.Float64("bench.rate", 1000, "records per second of the feed by which latency is measured")
	steady  = flag.Duration("bench.steady", 2*time.Second, "how long that feed goes on")
	env     = flag.String("bench.env", "", "file that names servers to measure with in place of embedded ones")
	out     = flag.String("bench.out", "", "folder for the figures: result.json, result.txt for benchstat, result.md")
	part    = flag.String("bench.part", "", "do this one part of the work and print what it used")
	data    = flag.String("bench.data", "", "data directory of the stack that the part works against")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *part == "" {
		stacktest.Main(m)
	}
	if err := doPart(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// doPart is what the process of a part does.
func doPart() error {
	t, err := target.FromStack(*data)
	if err != nil {
		return err
	}
	limit, err := bench.Part(context.Background(), *part, *records, &t)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(limit)
}

// self runs this very program for one part.
func self(ctx context.Context, what string, records int, data string) (limit bench.Limit, err error) {
	program, err := os.Executable()
	if err != nil {
		return limit, err
	}
	cmd := exec.CommandContext(ctx, program, "-bench.part", what, "-bench.records", strconv.Itoa(records), "-bench.data", data)
	cmd.Stderr = os.Stderr
	printed, err := cmd.Output()
	if err != nil {
		return limit, err
	}
	return limit, json.Unmarshal(printed, &limit)
}

// Everything is measured, and what is measured is a feed whose audit balances.
func TestBench(t *testing.T) {
	result, err := bench.Run(t.Context(), bench.Config{
		Stack: stack.Config{Manifest: stacktest.Manifest, Env: *env}, Records: *records, Rate: *rate, Steady: *steady,
		Windows: []int{0, 1}, Client: self, Tell: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range result.Feed.Processes[:2] {
		if p.CPU == 0 || p.PeakMemory == 0 {
			t.Errorf("%s used nothing: %+v", p.Name, p)
		}
	}
	if len(result.Limits) != 4 || len(result.Latency) != 2 {
		t.Fatalf("result = %+v", result)
	}
	for _, l := range result.Limits {
		if l.CPU == 0 || l.RecordsPerSecond == 0 {
			t.Errorf("nothing measured: %+v", l)
		}
	}
	for _, l := range result.Latency {
		if l.Records == 0 || l.P50 <= 0 || l.P99 < l.P50 || l.P999 < l.P99 || l.Max < l.P999 {
			t.Errorf("no latency: %+v", l)
		}
	}
	var text bytes.Buffer
	result.Markdown(io.MultiWriter(&text, os.Stdout))
	if got := strings.Count(text.String(), "\n| "); got < 10 {
		t.Errorf("%d lines of tables:\n%s", got, text.String())
	}
	if *out != "" {
		keep(t, result, text.Bytes())
	}
}

// The plot of a cost that grows with its quantity, of one that falls and of one that stays.
func TestGrowthPlot(t *testing.T) {
	var plot bytes.Buffer
	bench.GrowthPlot(&plot, []bench.Series{
		{Of: "grows", Points: []bench.Point{{At: 1, CPUEnrich: 1}, {At: 4, CPUEnrich: 4}, {At: 16, CPUEnrich: 16}}},
		{Of: "stays", Points: []bench.Point{{At: 1, CPUEnrich: 2}, {At: 100, CPUEnrich: 2}}},
	})
	for _, want := range []string{`points="40.0,220.0 180.0,130.0 320.0,40.0"`, `points="366.0,175.0 646.0,175.0"`, ">grows<", "</svg>"} {
		if !strings.Contains(plot.String(), want) {
			t.Errorf("the plot lacks %s:\n%s", want, plot.String())
		}
	}
	if err := xml.Unmarshal(plot.Bytes(), new(any)); err != nil {
		t.Error(err)
	}
}

func keep(t *testing.T, result *bench.Result, markdown []byte) {
	t.Helper()
	encoded, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	result.Benchmarks(&lines)
	write(t, map[string][]byte{"result.json": encoded, "result.txt": lines.Bytes(), "result.md": markdown})
}

// write puts the files into the folder that -bench.out names.
func write(t *testing.T, files map[string][]byte) {
	t.Helper()
	if err := os.MkdirAll(*out, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(*out, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
