package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"feedstream/shared/config"
)

type functionConfig struct {
	Server    config.Server
	Kafka     config.Kafka
	Freshness config.Freshness
	Admission config.Admission
	Mongo     config.Mongo
}

func TestLoadFillsGroupsAndDefaults(t *testing.T) {
	var cfg functionConfig
	err := config.Load(&cfg, []string{"KAFKA_BROKERS=a:1,b:2", "MONGODB_URI=mongodb://h", "REFERENCE_MAX_AGE=90m", "LISTEN_HOST="})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config.Addresses{"a:1", "b:2"}, cfg.Kafka.Brokers); diff != "" {
		t.Error(diff)
	}
	if cfg.Freshness.MaxAge != 90*time.Minute || cfg.Freshness.CheckInterval != 30*time.Second {
		t.Errorf("freshness = %+v", cfg.Freshness)
	}
	if got := cfg.Server.Addr(); got != "0.0.0.0:9000" {
		t.Errorf("an empty LISTEN_HOST counts as absent: addr = %s", got)
	}
}

func TestLoadNamesEveryProblemAtOnce(t *testing.T) {
	var cfg functionConfig
	err := config.Load(&cfg, []string{
		"KAFKA_TLS=perhaps", "FC_SERVER_PORT=http", "LOG_LEVEL=loud",
		"REFERENCE_STALE_POLICY=guess", "REFERENCE_MAX_AGE=-1s", "REFERENCE_MAX_SHRINK=2", "REFERENCE_MAX_REJECTED=-1",
		"REFERENCE_MAX_PRICE_CHANGE=NaN",
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"KAFKA_BROKERS is missing", "KAFKA_TLS=perhaps", "FC_SERVER_PORT=http", "LOG_LEVEL=loud", "MONGODB_URI is missing",
		"REFERENCE_STALE_POLICY=guess", "REFERENCE_MAX_AGE=-1s", "REFERENCE_MAX_SHRINK=2", "REFERENCE_MAX_REJECTED=-1",
		"REFERENCE_MAX_PRICE_CHANGE=NaN",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

func TestKafkaRules(t *testing.T) {
	for _, test := range []struct{ name, environment, want string }{
		{"broker without port", "KAFKA_BROKERS=host", `"host" is not host:port`},
		{"password without mechanism", "KAFKA_SASL_PASSWORD=hush", "KAFKA_SASL_MECHANISM is missing"},
		{"unknown mechanism", "KAFKA_SASL_MECHANISM=GSSAPI", "KAFKA_SASL_MECHANISM=GSSAPI is unknown"},
		{"mechanism alone", "KAFKA_SASL_MECHANISM=PLAIN", "KAFKA_SASL_USERNAME is missing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var cfg struct{ Kafka config.Kafka }
			err := config.Load(&cfg, []string{"KAFKA_BROKERS=a:1", test.environment})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hush") {
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
}

func TestVariables(t *testing.T) {
	variables, err := config.Variables(&struct{ HBase config.HBase }{})
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Variable{
		{Name: "HBASE_ZOOKEEPER", Required: true},
		{Name: "HBASE_ZOOKEEPER_ROOT", Default: "/hbase"},
		{Name: "HBASE_TABLE", Default: "USER_TEST.STOCK"},
		{Name: "HBASE_INDEX", Default: "USER_TEST.STOCK_CODE_INDEX"},
	}
	if diff := cmp.Diff(want, variables); diff != "" {
		t.Error(diff)
	}
}
