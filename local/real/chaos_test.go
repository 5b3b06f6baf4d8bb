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
	"feedstream/local/real/wire"
	"feedstream/local/stack"
	"feedstream/local/stack/stacktest"
	"feedstream/shared/feed"
)

var (
	chaosSeed     = flag.Uint64("chaos.seed", 1, "seed of the faults and of the feed")
	chaosDuration = flag.Duration("chaos.duration", time.Minute, "how long faults come and go")
	chaosRate     = flag.Float64("chaos.rate", 400, "records per second")
	chaosOnly     = flag.String("chaos.only", "", "disturb the servers only by what has this in its name")
)

func TestMain(m *testing.M) {
	flag.Parse()
	stacktest.Main(m)
}

// frozen is how long a server stands still, and cut how long its clients do not reach it: beyond the 10 s for which
// shared/hbase and shared/kafka wait, so that what was asked in a silence is done, and answered, after it was given up.
const (
	frozen = 3 * time.Second
	cut    = 12 * time.Second
)

// TestChaos runs a stack on Apache Kafka, HBase and Phoenix's table at load, with the faults of the platform, of the
// embedded MongoDB and OSS, and of those servers, all drawn from a seed. Then each record has its verdict, and SQL reads by
// the table and by the index the newest event of each row.
func TestChaos(t *testing.T) {
	ctx := t.Context()
	network := network{hbase: wire.New(), kafka: wire.New()}
	t.Cleanup(network.hbase.Close)
	t.Cleanup(network.kafka.Close)
	folder := t.TempDir()
	full, err := mountDisk(t, filepath.Join(folder, kafkaLogs))
	if err != nil {
		t.Logf("no disk is full in this run: %v", err)
	}
	h, k := startHBase(t, nil, network.hbase), startKafka(t, folder, network.kafka)
	createTopics(t, k.Addr, "feed-")
	j := newJudge(t, h.Client)
	j.patience = time.Minute
	j.createTables(t)

	others := slices.Concat(ofHBase(h), ofKafka(k, full), network.cuts(h))
	others = slices.DeleteFunc(others, func(d chaos.Disturbance) bool { return !strings.Contains(d.Name, *chaosOnly) })
	var log bytes.Buffer
	result, err := chaos.Run(ctx, chaos.Config{
		Stack: stack.Config{Manifest: stacktest.Manifest, Env: environment(t, h, k), Data: t.TempDir(), Stderr: &log},
		Seed:  *chaosSeed, Duration: *chaosDuration, Rate: *chaosRate, Tell: t.Logf,
		Rules: slices.DeleteFunc(chaos.Rules(), ofRealServers), Others: others,
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

// untilServed has HBase serve both tables after what is done to it.
func untilServed(h *HBase, do func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := do(ctx); err != nil {
			return err
		}
		return errors.Join(patiently(ctx, func() error { return served(h, table) }), patiently(ctx, func() error { return served(h, index) }))
	}
}

// ofHBase is what can happen to HBase.
func ofHBase(h *HBase) []chaos.Disturbance {
	all := []chaos.Disturbance{
		{Name: "regions moved to the other server", Do: func(ctx context.Context) error {
			// A server that has just come back may not be known yet.
			return patiently(ctx, func() error { return errors.Join(h.SQL.Move(table), h.SQL.Move(index)) })
		}},
		{Name: "eight regions split", Most: 4, Do: func(context.Context) error { // of 16 salts four of each table
			return errors.Join(h.SQL.Split(table, "192.168.2.1"), h.SQL.Split(index, "2318"))
		}},
		{Name: "a region server killed and restarted", Do: h.KillRegionServer},
		{Name: "a region server frozen 3 s", Do: func(ctx context.Context) error { return h.FreezeRegionServer(ctx, frozen) }},
		{Name: "HBase killed and restarted", Do: func(ctx context.Context) error { h.Kill(); return h.Start(ctx) }},
	}
	for i := range all {
		all[i].Do = untilServed(h, all[i].Do)
	}
	return all
}

// ofKafka is what can happen to Kafka, which answers after each. Its disk is nil where there is none to fill.
func ofKafka(k *Kafka, full *disk) []chaos.Disturbance {
	all := []chaos.Disturbance{
		{Name: "Kafka frozen 3 s", Do: func(ctx context.Context) error { return k.Freeze(ctx, frozen) }},
		{Name: "Kafka restarted", Do: func(ctx context.Context) error { k.Stop(); return k.Start(ctx) }},
		{Name: "Kafka killed and restarted", Do: func(ctx context.Context) error { k.Kill(); return k.Start(ctx) }},
	}
	if full != nil {
		all = append(all, chaos.Disturbance{Name: "Kafka's disk full, and Kafka restarted", Do: func(ctx context.Context) error {
			if err := full.fill(); err != nil {
				return err
			}
			// It gives up with the first record that it cannot write, for it has no other disk.
			ended := within(ctx, time.Minute, k.AwaitEnd)
			if err := errors.Join(ended, full.free()); err != nil {
				return err
			}
			return k.Start(ctx)
		}})
	}
	return all
}

// network is what leads clients to each of the two.
type network struct{ hbase, kafka *wire.Wire }

// cuts are its faults.
func (n network) cuts(h *HBase) []chaos.Disturbance {
	refused := func(w *wire.Wire) func(context.Context) error {
		return func(ctx context.Context) error { w.Refuse(); return mend(ctx, w) }
	}
	silent := func(w *wire.Wire) func(context.Context) error {
		return func(ctx context.Context) error { w.Silence(); return mend(ctx, w) }
	}
	return []chaos.Disturbance{
		{Name: "HBase cut off 12 s, connections refused", Do: untilServed(h, refused(n.hbase))},
		{Name: "HBase cut off 12 s, in silence", Do: untilServed(h, silent(n.hbase))},
		{Name: "Kafka cut off 12 s, connections refused", Do: refused(n.kafka)},
		{Name: "Kafka cut off 12 s, in silence", Do: silent(n.kafka)},
	}
}

// mend makes a wire whole again after a while.
func mend(ctx context.Context, w *wire.Wire) error {
	select {
	case <-time.After(cut):
	case <-ctx.Done():
	}
	return w.Mend(ctx)
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

// within is what comes to an end in that time, or does not.
func within(ctx context.Context, d time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return do(ctx)
}
