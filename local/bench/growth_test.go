//go:build bench

package bench_test

import (
	"bytes"
	"io"
	"os"
	"testing"

	"feedstream/local/bench"
	"feedstream/local/stack"
	"feedstream/local/stack/stacktest"
)

// TestGrowth measures each quantity at each of its values.
func TestGrowth(t *testing.T) {
	all, err := bench.Growth(t.Context(), bench.Config{Stack: stack.Config{Manifest: stacktest.Manifest}, Records: *records, Tell: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	var table, plot bytes.Buffer
	bench.GrowthMarkdown(io.MultiWriter(&table, os.Stdout), all)
	bench.GrowthPlot(&plot, all)
	write(t, map[string][]byte{"growth.md": table.Bytes(), "growth.svg": plot.Bytes()})
}
