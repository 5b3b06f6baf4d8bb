package chaos_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"feedstream/local/chaos"
	"feedstream/local/stack"
	"feedstream/local/stack/stacktest"
)

var (
	seed     = flag.Uint64("chaos.seed", 1, "seed of the faults and of the feed")
	duration = flag.Duration("chaos.duration", 10*time.Second, "how long faults come and go")
	rules    = flag.String("chaos.rules", "", "rules to draw from, with semicolons between; none means all")
	rate     = flag.Float64("chaos.rate", 2000, "records per second")
)

func TestMain(m *testing.M) {
	flag.Parse()
	stacktest.Main(m)
}

// Every record has its verdict, whatever goes wrong.
func TestChaos(t *testing.T) {
	var log bytes.Buffer
	var drawn []string
	if *rules != "" {
		drawn = strings.Split(*rules, ";")
	}
	result, err := chaos.Run(t.Context(), chaos.Config{
		Stack: stack.Config{Manifest: stacktest.Manifest, Data: t.TempDir(), Stderr: &log},
		Seed:  *seed, Duration: *duration, Rate: *rate, Rules: drawn, Tell: t.Logf,
	})
	if err != nil {
		t.Fatalf("seed %d: %v\n%s", *seed, err, log.String())
	}
	result.Render(os.Stdout)
	if !result.Balanced || result.Published == 0 || len(result.Injected) == 0 {
		t.Errorf("seed %d: the audit does not balance: %+v\n%s", *seed, result.Faults, log.String())
	} else if *writeReadme {
		tellReadme(t, result)
	}
}

// A feed comes to its end although Kafka refused whatever came as long as the rules held.
func TestAFeedEndsAfterAnOutage(t *testing.T) {
	result, err := chaos.Run(t.Context(), chaos.Config{
		Stack: stack.Config{Manifest: stacktest.Manifest, Data: t.TempDir()},
		Seed:  1, Duration: 2 * time.Second, Rate: 200, Rules: []string{"kafka.produce before error NOT_ENOUGH_REPLICAS"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !result.Balanced || result.Published == 0 {
		t.Errorf("%d records published, faults %+v", result.Published, result.Faults)
	}
}
