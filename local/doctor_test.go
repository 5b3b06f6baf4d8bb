package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/doctor"
	"feedstream/shared/reference"
)

// external starts embedded servers that no stack owns, with the reference announced, and returns the
// variables that name them.
func external(t *testing.T) *services {
	t.Helper()
	o := testOptions(t)
	s, err := startServices(o.data, o.ports, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.close() })
	return s
}

func writeEnvironment(t *testing.T, e environment) string {
	t.Helper()
	var text strings.Builder
	for name, value := range e {
		fmt.Fprintf(&text, "%s=%s\n", name, value)
	}
	path := filepath.Join(t.TempDir(), "services.env")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A stack on servers that it does not own leaves nothing out: the same drain and audit, and doctor
// finds all in order, by the verb and by its exit code.
func TestUpOnNamedServices(t *testing.T) {
	s := external(t)
	path := writeEnvironment(t, s.environment)
	var out, problems bytes.Buffer
	if code := run(t.Context(), []string{"up", "--manifest", manifestPath, "--env", path, "--ephemeral", "--records", "2000",
		"--drain", "--unknown-ratio", "0.05", "--json"}, &out, &problems); code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, out.String(), problems.String())
	}
	var result struct {
		Balanced  bool
		Published int
	}
	if err := json.Unmarshal(out.Bytes(), &result); err != nil || !result.Balanced || result.Published != 2000 {
		t.Errorf("%+v, %v", result, err)
	}
	for _, verb := range [][]string{
		{"doctor", "--live", "--manifest", manifestPath}, {"audit"}, {"reference", "show"}, {"publish", "--records", "1"},
	} {
		out.Reset()
		problems.Reset()
		if code := run(t.Context(), append(verb, "--env", path), &out, &problems); code != 0 {
			t.Errorf("%v: exit code %d\n%s\n%s", verb, code, out.String(), problems.String())
		}
	}
}

// Services are taken one by one: Kafka from outside, the rest embedded.
func TestUpOnOneNamedService(t *testing.T) {
	s := external(t)
	o := testOptions(t)
	o.env = writeEnvironment(t, environment{
		"KAFKA_BROKERS": s.kafka.Addr(),
		// Of services that are not named: the embedded ones must not see them.
		"OSS_BUCKET": "another", "ALIBABA_CLOUD_ACCESS_KEY_ID": "another", "HBASE_ZOOKEEPER_ROOT": "/another",
	})
	stack := runningOn(t, o)
	if stack.services.kafka != nil || stack.services.hbase == nil || stack.endpoints.Kafka != s.kafka.Addr() {
		t.Fatalf("services = %+v", stack.services)
	}
	stack.publish(t, 1)
	stack.balances(t, 2000)
}

// Each broken set-up ends doctor with exit code 1 and its remedy named.
func TestDoctorNamesWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		breakIt func(t *testing.T, s *services)
		check   string
		remedy  string
	}{
		"Kafka is away": {func(t *testing.T, s *services) { must(t, s.kafka.Close()) }, "Kafka", "KAFKA_BROKERS"},
		"a topic is missing": {func(t *testing.T, s *services) {
			withKafka(t, s, func(ctx context.Context, admin *kadm.Client) error {
				_, err := admin.DeleteTopic(ctx, topics.Output)
				return err
			})
		}, "topic feed-records", "kafka-topics.sh --create --topic feed-records --partitions 4"},
		"dead letters are too small": {func(t *testing.T, s *services) {
			withKafka(t, s, func(ctx context.Context, admin *kadm.Client) error {
				_, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Name: "max.message.bytes", Value: kadm.StringPtr("1048588")}}, topics.DeadLetter)
				return err
			})
		}, "topic feed-deadletter", "max.message.bytes=1114124"},
		"HBase is away":        {func(t *testing.T, s *services) { must(t, s.hbase.Close()) }, "HBase", "HBASE_ZOOKEEPER"},
		"the snapshot is gone": {func(*testing.T, *services) {}, "snapshot", "feedstream refresh"},
		"OSS is away":          {func(t *testing.T, s *services) { must(t, s.oss.Close()) }, "snapshot", "OSS_ENDPOINT"},
		"the collection is empty": {func(t *testing.T, s *services) {
			load(t, s, nil)
		}, "MongoDB", "load-reference"},
		"a price is negative": {func(t *testing.T, s *services) {
			load(t, s, []reference.Document{{Symbol: "2318.HK", CompanyName: "Ping An", LastPrice: reference.Number("-1")}})
		}, "MongoDB", "REFERENCE_MAX_REJECTED"},
		"MongoDB is away": {func(t *testing.T, s *services) { must(t, s.mongodb.Close()) }, "MongoDB", "MONGODB_URI"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := external(t)
			test.breakIt(t, s)
			var out bytes.Buffer
			args := []string{"doctor", "--live", "--json", "--manifest", manifestPath, "--env", writeEnvironment(t, s.environment)}
			if code := run(t.Context(), args, &out, io.Discard); code != 1 {
				t.Errorf("exit code %d", code)
			}
			var findings []doctor.Finding
			must(t, json.Unmarshal(out.Bytes(), &findings))
			for _, f := range findings {
				if f.Check == test.check && !f.OK && strings.Contains(f.Remedy, test.remedy) {
					return
				}
			}
			t.Errorf("no finding on %q with remedy %q:\n%s", test.check, test.remedy, out.String())
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

func load(t *testing.T, s *services, documents []reference.Document) {
	t.Helper()
	source, err := s.environment.source()
	must(t, err)
	defer source.Close()
	must(t, source.Load(t.Context(), documents))
}

// A file that names services wrongly is refused with the file, the variable and the remedy.
func TestEnvironmentFilesRefused(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing named":    {"FEED_REGION=cn-hangzhou\nKAFKA_BROKERS=\n", "names no service"},
		"unknown variable": {"KAFKA_BROKERS=127.0.0.1:9092\nKAFKA_BROKER=x\n", "KAFKA_BROKER names no service"},
		"bad broker":       {"KAFKA_BROKERS=broker\n", `"broker" is not host:port`},
		"user alone":       {"KAFKA_BROKERS=a:9092\nKAFKA_SASL_USERNAME=u\n", "KAFKA_SASL_MECHANISM is missing"},
		"no region":        {"OSS_ENDPOINT=http://127.0.0.1\nALIBABA_CLOUD_ACCESS_KEY_ID=a\nALIBABA_CLOUD_ACCESS_KEY_SECRET=b\n", "OSS_REGION"},
		"no key":           {"OSS_ENDPOINT=http://127.0.0.1\nOSS_REGION=x\n", "ALIBABA_CLOUD_ACCESS_KEY_ID"},
		"no such line":     {"KAFKA_BROKERS\n", "services.env"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "services.env")
			must(t, os.WriteFile(path, []byte(test.text), 0o600))
			if _, err := readEnvironment(path); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want %q", err, test.want)
			}
		})
	}
}
