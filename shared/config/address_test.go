package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"feedstream/shared/config"
)

func TestAddresses(t *testing.T) {
	for _, test := range []struct {
		text string
		want config.Addresses
	}{
		{"a:1", config.Addresses{"a:1"}},
		{" a:1 , b:65535,", config.Addresses{"a:1", "b:65535"}},
		{"[::1]:9092", config.Addresses{"[::1]:9092"}},
	} {
		var got config.Addresses
		if err := got.UnmarshalText([]byte(test.text)); err != nil {
			t.Errorf("%q: %v", test.text, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q: %s", test.text, diff)
		}
	}
}

// A setting that cannot be right stops the start, with the value and what to write.
func TestSettingsAsPeopleWriteThem(t *testing.T) {
	for _, test := range []struct{ environment, want string }{
		{"KAFKA_BROKERS=host", `KAFKA_BROKERS=host: "host" is not host:port`},
		{"KAFKA_BROKERS=h:9O92", `has the port "9O92", which is no number`},
		{"KAFKA_BROKERS=h:0", `has the port "0"`},
		{"KAFKA_BROKERS=h:70000", `has the port "70000"`},
		{"KAFKA_BROKERS=h:9092/kafka", "has the path /kafka behind it: write h:9092"},
		{"KAFKA_BROKERS=PLAINTEXT://h:9092", "begins with a scheme, PLAINTEXT: write h:9092"},
		{"KAFKA_BROKERS=:9092", "is not host:port"},
		{"KAFKA_BROKERS= ,", "names no server"},
		{"HBASE_ZOOKEEPER=h:2181/hbase", "write h:2181, and HBASE_ZOOKEEPER_ROOT=/hbase"},
		{"HBASE_ZOOKEEPER=a:2181,b:2l81", `"b:2l81" has the port "2l81"`},
		{"HBASE_ZOOKEEPER_ROOT=hbase", "HBASE_ZOOKEEPER_ROOT=hbase is no path of a node: write /hbase"},
		{"HBASE_ZOOKEEPER_ROOT=/", "write /hbase"},
		{"OSS_REGION=oss-cn-hangzhou", "OSS_REGION=oss-cn-hangzhou: write cn-hangzhou"},
		{"KAFKA_TLS=yes", "write true or false"},
		{"OSS_ENDPOINT=https://feed-reference.oss-cn-hangzhou.aliyuncs.com", `OSS_ENDPOINT="https://feed-reference.oss-cn-hangzhou.aliyuncs.com" begins with the bucket`},
		{"OSS_ENDPOINT=https://h.example/feed", "write https://h.example"},
		{"REFERENCE_PREFIX=/stock/", "REFERENCE_PREFIX=/stock/: no object's key begins with a slash: write stock/"},
		{"KAFKA_CA=/no/such/file", "neither PEM text"},
		{"KAFKA_CA=-----BEGIN CERTIFICATE-----", "no certificate in PEM form"},
	} {
		var cfg struct {
			Kafka config.Kafka
			HBase config.HBase
			OSS   config.OSS
		}
		environ := []string{"KAFKA_BROKERS=a:1", "KAFKA_TLS=true", "HBASE_ZOOKEEPER=a:1", "OSS_ENDPOINT=a", "OSS_REGION=b", test.environment}
		err := config.Load(&cfg, environ)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error = %v, want %q", test.environment, err, test.want)
		}
	}
}

// Wrong settings of all services are named at once.
func TestEveryProblemAtOnce(t *testing.T) {
	var cfg struct {
		Kafka config.Kafka
		HBase config.HBase
		OSS   config.OSS
	}
	err := config.Load(&cfg, []string{"KAFKA_BROKERS=h:x", "HBASE_ZOOKEEPER=h:1/y", "OSS_ENDPOINT=ftp://h", "OSS_REGION=r"})
	for _, name := range []string{"KAFKA_BROKERS", "HBASE_ZOOKEEPER", "OSS_ENDPOINT"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error = %v, want %s too", err, name)
		}
	}
	if err := config.Load(&cfg, []string{"KAFKA_BROKERS=h:1", "HBASE_ZOOKEEPER=h:1", "HBASE_ZOOKEEPER_ROOT=/hbase/",
		"OSS_ENDPOINT= h.example/ ", "OSS_REGION=r"}); err != nil || cfg.OSS.Endpoint != "https://h.example" || cfg.HBase.ZooKeeperRoot != "/hbase" {
		t.Errorf("endpoint %q, root %q, %v", cfg.OSS.Endpoint, cfg.HBase.ZooKeeperRoot, err)
	}
}

func TestPrefixEndsWithASlash(t *testing.T) {
	for text, want := range map[string]config.Prefix{"stock": "stock/", "stock/": "stock/", "a/b": "a/b/"} {
		var got config.Prefix
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestRoots(t *testing.T) {
	text := certificate(t)
	path := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, given := range map[string]string{"PEM": text, "PEM on one line": strings.ReplaceAll(text, "\n", `\n`), "file": path} {
		var cfg struct{ Kafka config.Kafka }
		if err := config.Load(&cfg, []string{"KAFKA_BROKERS=a:1", "KAFKA_TLS=true", "KAFKA_CA=" + given}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if cfg.Kafka.CA.Pool() == nil {
			t.Errorf("%s: no roots", name)
		}
	}
	var cfg struct{ Kafka config.Kafka }
	err := config.Load(&cfg, []string{"KAFKA_BROKERS=a:1", "KAFKA_TLS=true", "KAFKA_CA=-----BEGIN PRIVATE KEY-----\nhush"})
	if err == nil || strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), "no certificate") {
		t.Errorf("of a private key: %v", err)
	}
	var plain struct{ Kafka config.Kafka }
	err = config.Load(&plain, []string{"KAFKA_BROKERS=a:1", "KAFKA_CA=" + path})
	if err == nil || !strings.Contains(err.Error(), "set KAFKA_TLS=true") {
		t.Errorf("without TLS: %v", err)
	}
}

func certificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// Blanks around a value are not part of it, but of a secret they are.
func TestBlanksAroundValues(t *testing.T) {
	var cfg struct {
		Kafka config.Kafka
		HBase config.HBase
		OSS   config.OSS
	}
	err := config.Load(&cfg, []string{"KAFKA_BROKERS= a:1 ", "KAFKA_SASL_MECHANISM=PLAIN ", "KAFKA_SASL_USERNAME=u ", "KAFKA_SASL_PASSWORD= p ",
		"HBASE_ZOOKEEPER=a:1", "HBASE_TABLE= A.B ", "OSS_ENDPOINT=a", "OSS_REGION= b ", "OSS_BUCKET= feed", "REFERENCE_PREFIX= stock/ "})
	if err != nil || cfg.HBase.Table != "A.B" || cfg.OSS.Region != "b" || cfg.OSS.Bucket != "feed" || cfg.OSS.Prefix != "stock/" ||
		cfg.Kafka.SASLUsername != "u" || cfg.Kafka.SASLPassword != " p " {
		t.Errorf("%+v, %v", cfg, err)
	}
}
