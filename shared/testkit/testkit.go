// Package testkit is what the tests of several packages have in common; nothing else imports it.
package testkit

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long one test may wait for a service on this machine.
const patience = 30 * time.Second

// Context returns a context that ends with the test, and before that when the services keep it waiting.
func Context(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// Must returns what a call returned, and ends the test when it was an error: Must(os.ReadFile(name))(t).
func Must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// WantError reports an error that is none, or whose text lacks any of the given ones.
func WantError(t testing.TB, err error, says ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one that says %q", says)
		return
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error = %v, want one that says %q", err, text)
		}
	}
}

// Log collects what several goroutines write, such as the lines of a logger.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write adds to the log.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is all that was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Quiet returns a logger for what a test does not look at.
func Quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// Real runs a conformance suite as the subtest "real" on the server that the environment names in
// FEEDSTREAM_REAL_<service>, and nowhere when it names none: KAFKA is host:port of a broker, HBASE that
// of its ZooKeeper, MONGODB a URI, OSS an endpoint, beside which OSS_REGION, OSS_BUCKET and
// ALIBABA_CLOUD_ACCESS_KEY_ID, _SECRET and ALIBABA_CLOUD_SECURITY_TOKEN are set.
func Real(t *testing.T, service string, suite func(t *testing.T, place string)) {
	t.Helper()
	if place := RealPlace(service); place != "" {
		t.Run("real", func(t *testing.T) { suite(t, place) })
	}
}

// RealPlace is where the environment says that a real server is, as Real has it, empty when it does not.
func RealPlace(service string) string { return os.Getenv("FEEDSTREAM_REAL_" + service) }

// Way is one way to do a work.
type Way struct {
	Name  string
	Ready func() // before each turn, not measured; nil for nothing
	Do    func() error
}

// InTurns measures ways to send the same records in turns, so that all meet the same machine. The first is a bare loop.
// It reports the median of each way's records per second, and of the others, as <name>-share, what part of the bare
// loop's that is, and as <name>-cpu how often the bare loop's processor time this process used.
func InTurns(b *testing.B, records int, ways ...Way) {
	b.Helper()
	times, used := make([][]time.Duration, len(ways)), make([]time.Duration, len(ways))
	for b.Loop() {
		for i, way := range ways {
			if way.Ready != nil {
				way.Ready()
			}
			before, began := cpu(b), time.Now()
			if err := way.Do(); err != nil {
				b.Fatal(err)
			}
			times[i] = append(times[i], time.Since(began))
			used[i] += cpu(b) - before
		}
	}
	median := func(i int) float64 { return slices.Sorted(slices.Values(times[i]))[len(times[i])/2].Seconds() }
	for i, way := range ways {
		b.ReportMetric(float64(records)/median(i), way.Name+"-records/s")
		if i > 0 {
			b.ReportMetric(median(0)/median(i), way.Name+"-share")
			b.ReportMetric(used[i].Seconds()/used[0].Seconds(), way.Name+"-cpu")
		}
	}
}

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	var rusage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &rusage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(rusage.Utime.Nano() + rusage.Stime.Nano())
}

// LineFields are the members that the README's table of log lines has for any of the given lines, in order.
func LineFields(t testing.TB, readme string, lines ...string) (fields []string) {
	t.Helper()
	content := string(Must(os.ReadFile(readme))(t))
	_, table, found := strings.Cut(content, "\n| field | lines | meaning |\n")
	if !found {
		t.Fatalf("%s has no table of log lines", readme)
	}
	for row := range strings.Lines(table) {
		cells := strings.Split(row, " | ")
		if !strings.HasPrefix(row, "|") {
			break
		}
		if len(cells) < 3 {
			continue // the line below the header
		}
		for of := range strings.SplitSeq(cells[1], ", ") {
			if of == "all" || slices.Contains(lines, of) {
				fields = append(fields, strings.Trim(cells[0], "| `"))
				break
			}
		}
	}
	slices.Sort(fields)
	return fields
}
