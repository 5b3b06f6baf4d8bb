package fc

import (
	"context"
	"io"
	"log/slog"
	"runtime/debug"
	"testing"
)

// The garbage collector knows the instance's size, unless somebody has told it another limit.
func TestRunLimitsMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	ended, end := context.WithCancel(t.Context())
	end()
	for _, test := range []struct {
		name     string
		set      string
		memoryMB int
		want     int64
	}{
		{"of the instance", "", 1000, 943_718_400},
		{"of no size", "", 0, 483_183_819},
		{"set by hand", "100MiB", 1000, 100 << 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("GOMEMLIMIT", test.set)
			debug.SetMemoryLimit(100 << 20)
			cfg := Config{Addr: "127.0.0.1:0", MemoryMB: test.memoryMB, Logger: slog.New(slog.DiscardHandler), RequestLines: io.Discard}
			if err := Run(ended, cfg, Function{}); err != nil {
				t.Fatal(err)
			}
			if got := debug.SetMemoryLimit(-1); got != test.want {
				t.Errorf("the limit is %d, want %d", got, test.want)
			}
		})
	}
}
