//go:build real && bench

package real

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"feedstream/local/real/child"
	stamp "feedstream/shared/build"
)

var (
	benchRecords = flag.String("bench.records", "100000", "records of each measurement")
	benchOut     = flag.String("bench.out", "", "folder for the figures")
)

// TestBench has local/bench measure a stack on Apache Kafka, HBase and Phoenix's table.
func TestBench(t *testing.T) {
	ctx := t.Context()
	h, k := startHBase(t, nil, nil), startKafka(t, t.TempDir(), nil)
	createTopics(t, k.Addr, "feed-")
	newJudge(t, h.Client).createTables(t)
	env := environment(t, h, k)

	program := filepath.Join(t.TempDir(), "bench.test")
	if output, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", program,
		"-ldflags=-X feedstream/shared/build.commit="+stamp.Read().Commit, "feedstream/local/bench").CombinedOutput(); err != nil {
		t.Fatalf("build the benchmark: %v\n%s", err, output)
	}
	measure := exec.CommandContext(ctx, program, "-test.run", "^TestBench$", "-test.v", "-test.timeout", "50m",
		"-bench.env", env, "-bench.records", *benchRecords, "-bench.rate", "10000", "-bench.steady", "20s", "-bench.out", *benchOut)
	measure.Stdout, measure.Stderr = os.Stdout, os.Stderr
	if err := child.Start(measure); err != nil {
		t.Fatal(err)
	}
	if err := measure.Wait(); err != nil {
		t.Fatal(err)
	}
	// Rows by the client, in turns with a bare loop.
	rows := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkWriteRows$", "-benchtime", "5s", "feedstream/shared/hbase")
	rows.Env = append(os.Environ(), "FEEDSTREAM_REAL_HBASE="+h.ZooKeeper)
	rows.Stdout, rows.Stderr = os.Stdout, os.Stderr
	if err := rows.Run(); err != nil {
		t.Fatal(err)
	}
}
