//go:build real

package real

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/real/wire"
	"feedstream/shared/phoenix"
)

const (
	table = "USER_TEST.STOCK"
	index = "USER_TEST.STOCK_CODE_INDEX"
)

func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// startHBase has HBase with Phoenix run until the test ends. Settings and wire may be nil.
func startHBase(t *testing.T, settings map[string]string, w *wire.Wire) *HBase {
	t.Helper()
	began := time.Now()
	h, err := StartHBase(patient(t), t.TempDir(), settings, w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Stop)
	t.Logf("HBase and Phoenix are ready after %.1f s", time.Since(began).Seconds())
	return h
}

// startKafka has Kafka run until the test ends. The wire may be nil.
func startKafka(t *testing.T, folder string, w *wire.Wire) *Kafka {
	t.Helper()
	began := time.Now()
	k, err := StartKafka(patient(t), folder, w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Stop)
	t.Logf("Kafka is ready after %.1f s", time.Since(began).Seconds())
	return k
}

// environment is a file that leads a stack to servers.
func environment(t *testing.T, h *HBase, k *Kafka) string {
	t.Helper()
	env := filepath.Join(t.TempDir(), "real.env")
	if err := os.WriteFile(env, []byte("KAFKA_BROKERS="+k.Addr+"\nHBASE_ZOOKEEPER="+h.ZooKeeper+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return env
}

// createTables makes the table of the feed and its index.
func (j *judge) createTables(t *testing.T) {
	t.Helper()
	j.query(t, phoenix.TableDDL(table))
	j.query(t, phoenix.IndexDDL(table, index))
}

// createTopics makes the four topics of a feed, whose names begin alike.
func createTopics(t *testing.T, broker, prefix string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	room := map[string]*string{"max.message.bytes": kadm.StringPtr("1114124")}
	for name, topic := range map[string]struct {
		partitions int32
		settings   map[string]*string
	}{"updates": {4, nil}, "records": {4, nil}, "quarantine": {1, room}, "deadletter": {1, room}} {
		if _, err := admin.CreateTopic(t.Context(), topic.partitions, 1, topic.settings, prefix+name); err != nil {
			t.Fatal(err)
		}
	}
}
