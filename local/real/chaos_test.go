//go:build real && chaos

package real

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"feedstream/local/chaos"
	"feedstream/local/stack"
	"feedstream/local/stack/stacktest"
	"feedstream/shared/feed"
	"feedstream/shared/phoenix"
)

var (
	chaosSeed     = flag.Uint64("chaos.seed", 1, "seed of the faults and of the feed")
	chaosDuration = flag.Duration("chaos.duration", time.Minute, "how long faults come and go")
	chaosRate     = flag.Float64("chaos.rate", 400, "records per second")
)

func TestMain(m *testing.M) {
	flag.Parse()
	stacktest.Main(m)
}

// frozen is how long a server stands still.
const frozen = 3 * time.Second

// TestChaos runs a stack on Apache Kafka, HBase and Phoenix's table at load, with the faults of the platform, of the
// embedded MongoDB and OSS, and of those servers, all drawn from a seed. Then each record has its verdict, and SQL reads by
// the table and by the index the newest event of each row.
func TestChaos(t *testing.T) {
	ctx := t.Context()
	h, err := StartHBase(ctx, t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Stop() })
	k, err := StartKafka(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Stop() })
	createTopics(t, k.Addr, "feed-")
	j := newJudge(t, h.Client)
	j.patience = time.Minute
	j.query(t, phoenix.TableDDL(table))
	j.query(t, phoenix.IndexDDL(table, index))
	env := filepath.Join(t.TempDir(), "real.env")
	if err := os.WriteFile(env, []byte("KAFKA_BROKERS="+k.Addr+"\nHBASE_ZOOKEEPER="+h.ZooKeeper+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	var log bytes.Buffer
	result, err := chaos.Run(ctx, chaos.Config{
		Stack: stack.Config{Manifest: stacktest.Manifest, Env: env, Data: t.TempDir(), Stderr: &log},
		Seed:  *chaosSeed, Duration: *chaosDuration, Rate: *chaosRate, Tell: t.Logf,
		Rules: slices.DeleteFunc(chaos.Rules(), ofRealServers), Others: disturbances(h, k),
	})
	if err != nil {
		t.Fatalf("seed %d: %v\n%s", *chaosSeed, err, log.String())
	}
	result.Render(os.Stdout)
	if !result.Balanced || result.Published == 0 || len(result.Injected) == 0 {
		t.Errorf("seed %d: the audit does not balance: %+v\n%s", *chaosSeed, result.Faults, log.String())
	}
	newest := newestOutput(t, k.Addr)
	awaitPast(t, newest)
	j.settle(t, newest)
	j.agrees(t)
	j.testIndexTool(t)
}

// ofRealServers says whether a rule is about a server that is not embedded here.
func ofRealServers(rule string) bool {
	return strings.HasPrefix(rule, "kafka.") || strings.HasPrefix(rule, "hbase.")
}

// disturbances are what can happen to these servers. After each of them HBase serves both tables and Kafka answers.
func disturbances(h *HBase, k *Kafka) []chaos.Disturbance {
	untilServed := func(do func(context.Context) error) func(context.Context) error {
		return func(ctx context.Context) error {
			if err := do(ctx); err != nil {
				return err
			}
			return errors.Join(patiently(ctx, func() error { return served(h, table) }), patiently(ctx, func() error { return served(h, index) }))
		}
	}
	return []chaos.Disturbance{
		{Name: "regions moved to the other server", Do: untilServed(func(ctx context.Context) error {
			// A server that has just come back may not be known yet.
			return patiently(ctx, func() error { return errors.Join(h.SQL.Move(table), h.SQL.Move(index)) })
		})},
		{Name: "eight regions split", Most: 4, Do: untilServed(func(context.Context) error { // of 16 salts four of each table
			return errors.Join(h.SQL.Split(table, "192.168.2.1"), h.SQL.Split(index, "2318"))
		})},
		{Name: "a region server killed and restarted", Do: untilServed(h.KillRegionServer)},
		{Name: "a region server frozen 3 s", Do: untilServed(func(ctx context.Context) error { return h.FreezeRegionServer(ctx, frozen) })},
		{Name: "HBase killed and restarted", Do: untilServed(func(ctx context.Context) error { h.Kill(); return h.Start(ctx) })},
		{Name: "Kafka frozen 3 s", Do: func(ctx context.Context) error { return k.Freeze(ctx, frozen) }},
		{Name: "Kafka restarted", Do: func(ctx context.Context) error { k.Stop(); return k.Start(ctx) }},
		{Name: "Kafka killed and restarted", Do: func(ctx context.Context) error { k.Kill(); return k.Start(ctx) }},
	}
}

// patiently repeats what a server may refuse that is about to serve again, for some minutes.
func patiently(ctx context.Context, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for {
		err := do()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(time.Second): // it announces itself to nobody
		case <-ctx.Done():
			return err
		}
	}
}

// served returns when every region of a table has answered.
func served(h *HBase, table string) error {
	_, err := h.SQL.Query("SELECT /*+ NO_INDEX */ COUNT(*) FROM " + table)
	return err
}

// awaitPast returns when no event lies ahead of the clock: the IndexTool does not look at rows that do.
func awaitPast(t *testing.T, newest map[string][]feed.Record) {
	t.Helper()
	last := int64(0)
	for _, all := range newest {
		last = max(last, all[0].Time)
	}
	ahead := time.Until(time.UnixMilli(last))
	if ahead <= 0 {
		return
	}
	t.Logf("the newest event lies %.0f s ahead of the clock", ahead.Seconds())
	select {
	case <-time.After(ahead):
	case <-t.Context().Done():
	}
}
