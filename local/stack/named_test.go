package stack

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/audit"
	"feedstream/local/doctor"
	"feedstream/local/platform/manifest"
	"feedstream/local/stack/stacktest"
	"feedstream/local/target"
	"feedstream/shared/feed"
	"feedstream/shared/mongo"
	"feedstream/shared/reference"
)

// elsewhere starts embedded servers that no stack owns, with topics, table and bucket as the manifest
// names them.
func elsewhere(t *testing.T) (*services, *target.Target) {
	t.Helper()
	m, err := manifest.Load(stacktest.Manifest)
	must(t, err)
	names, err := target.NamesOf(m)
	must(t, err)
	s := &services{dir: t.TempDir(), names: names, logger: slog.New(slog.DiscardHandler)}
	var ports *Ports
	found, err := s.start(ports.free(), &target.Target{Names: names})
	must(t, err)
	t.Cleanup(func() { _ = s.close() })
	return s, &found
}

// writeEnvironment names the services of a target in a file.
func writeEnvironment(t *testing.T, values map[string]string) string {
	t.Helper()
	var text strings.Builder
	for name, value := range values {
		fmt.Fprintf(&text, "%s=%s\n", name, value)
	}
	path := filepath.Join(t.TempDir(), "services.env")
	must(t, os.WriteFile(path, []byte(text.String()), 0o600))
	return path
}

// A stack on servers that it does not own leaves nothing out: the same drain and audit, and doctor finds
// all in order.
func TestNamedServices(t *testing.T) {
	_, found := elsewhere(t)
	cfg := testConfig(t)
	cfg.Env = writeEnvironment(t, found.Endpoints().Environment)
	drained, err := Run(t.Context(), cfg, Feed{Records: 2000, Drain: true, UnknownRatio: 0.05})
	must(t, err)
	if !drained.Balanced || drained.Published != 2000 {
		t.Errorf("drained = %+v", drained)
	}
	again, _, err := target.FromFile(cfg.Env, cfg.Manifest)
	must(t, err)
	must(t, doctor.Problems(doctor.Services(t.Context(), &again, target.Kafka, target.HBase, target.OSS, target.MongoDB)))
	report, err := audit.Feed(t.Context(), &again, audit.Bound{}, audit.Bound{})
	if err != nil || !report.Balanced {
		t.Errorf("audit = %+v, %v", report, err)
	}
}

// Services are taken one by one: Kafka from elsewhere, the rest embedded.
func TestOneNamedService(t *testing.T) {
	others, _ := elsewhere(t)
	cfg := testConfig(t)
	cfg.Env = writeEnvironment(t, map[string]string{
		"KAFKA_BROKERS": others.kafka.Addr(),
		// Of services that are not named: the embedded ones must not see them.
		"ALIBABA_CLOUD_ACCESS_KEY_ID": "another", "HBASE_ZOOKEEPER_ROOT": "/another", "OSS_REGION": "another",
	})
	s := runningOn(t, cfg)
	if s.services.kafka != nil || s.services.hbase == nil || s.endpoints.Kafka != others.kafka.Addr() {
		t.Fatalf("services = %+v", s.services)
	}
	s.publishSome(t, 1)
	s.balances(t, 2000)
}

// No name is the command's own: with others in the manifest, everything works on those.
func TestOtherNames(t *testing.T) {
	content, err := os.ReadFile(stacktest.Manifest)
	must(t, err)
	path := filepath.Join(filepath.Dir(stacktest.Manifest), "other.yaml")
	must(t, os.WriteFile(path, []byte(stacktest.OtherNames(string(content))), 0o600))
	cfg := testConfig(t)
	must(t, runningOn(t, cfg).Close()) // the data directory knows the production names already
	cfg.Manifest = path
	s := runningOn(t, cfg)
	want := target.Names{
		Topics: feed.Topics{Input: "other-updates", Output: "other-records", Quarantine: "other-quarantine", DeadLetter: "other-deadletter"},
		Group:  "other-group", Tasks: 4, Table: "other.quote", Index: "other.quote_by_code", Bucket: "other-reference", Prefix: "other/",
		Database: "other", Collection: "quotes", Enrich: "other-enrich", Refresh: "other-refresh", Query: "other-query", Publish: "other-publish",
	}
	if s.target.Names != want {
		t.Fatalf("names = %+v", s.target.Names)
	}
	s.publishSome(t, 1)
	s.balances(t, 2000)
	must(t, doctor.Problems(doctor.Services(t.Context(), &s.target, target.Kafka, target.HBase, target.OSS, target.MongoDB)))
	if status := s.Status(); status.Reference.Entries != 30 || status.Lag != 0 {
		t.Errorf("status = %+v", status)
	}
}

// doctor names what is wrong with each broken set-up, and the remedy.
func TestDoctorNamesWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		breakIt func(t *testing.T, s *services, found *target.Target)
		check   string
		remedy  string
	}{
		"Kafka is away": {func(t *testing.T, s *services, _ *target.Target) { must(t, s.kafka.Close()) }, "Kafka", "KAFKA_BROKERS"},
		"a topic is missing": {func(t *testing.T, s *services, _ *target.Target) {
			withKafka(t, s, func(ctx context.Context, admin *kadm.Client) error {
				_, err := admin.DeleteTopic(ctx, s.names.Topics.Output)
				return err
			})
		}, "topic feed-records", "kafka-topics.sh --create --topic feed-records --partitions 4"},
		"dead letters are too small": {func(t *testing.T, s *services, _ *target.Target) {
			withKafka(t, s, func(ctx context.Context, admin *kadm.Client) error {
				_, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Name: "max.message.bytes", Value: kadm.StringPtr("1048588")}},
					s.names.Topics.DeadLetter)
				return err
			})
		}, "topic feed-deadletter", "max.message.bytes=1114124"},
		"HBase is away":        {func(t *testing.T, s *services, _ *target.Target) { must(t, s.hbase.Close()) }, "HBase", "HBASE_ZOOKEEPER"},
		"the snapshot is gone": {func(*testing.T, *services, *target.Target) {}, "snapshot", "feedstream refresh"},
		"OSS is away":          {func(t *testing.T, s *services, _ *target.Target) { must(t, s.oss.Close()) }, "snapshot", "OSS_ENDPOINT"},
		"the collection is empty": {func(*testing.T, *services, *target.Target) {
		}, "MongoDB", "load-reference"},
		"a price is negative": {func(t *testing.T, _ *services, found *target.Target) {
			source, err := found.Source()
			must(t, err)
			defer source.Close()
			must(t, source.Load(t.Context(), []reference.Document{
				{Symbol: "2318.HK", CompanyName: "Ping An", LastPrice: reference.Number("-1")},
			}, mongo.LoadOptions{}))
		}, "MongoDB", "REFERENCE_MAX_REJECTED"},
		"MongoDB is away": {func(t *testing.T, s *services, _ *target.Target) { must(t, s.mongodb.Close()) }, "MongoDB", "MONGODB_URI"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, found := elsewhere(t)
			test.breakIt(t, s, found)
			findings := doctor.Services(t.Context(), found, target.Kafka, target.HBase, target.OSS, target.MongoDB)
			for _, f := range findings {
				if f.Check == test.check && !f.OK && strings.Contains(f.Remedy, test.remedy) {
					return
				}
			}
			t.Errorf("no finding on %q with remedy %q:\n%+v", test.check, test.remedy, findings)
		})
	}
}

func withKafka(t *testing.T, s *services, do func(context.Context, *kadm.Client) error) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.Addr()))
	must(t, err)
	defer client.Close()
	must(t, do(t.Context(), kadm.NewClient(client)))
}
