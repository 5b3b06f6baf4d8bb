package target

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/shared/kafka"
)

// Brokers whose certificate comes from a root of their own are reached with KAFKA_CA, by the command as by
// the functions, and not without it.
func TestBrokersWithTheirOwnRoot(t *testing.T) {
	certificate, root := selfSigned(t)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"),
		kfake.TLS(&tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}))
	must(t, err)
	defer cluster.Close()
	path := filepath.Join(t.TempDir(), "root.pem")
	must(t, os.WriteFile(path, root, 0o600))
	values := map[string]string{"KAFKA_BROKERS": cluster.ListenAddrs()[0], "KAFKA_TLS": "true"}
	without, err := Parse(values, Names{})
	must(t, err)
	values["KAFKA_CA"] = path
	with, err := Parse(values, Names{})
	must(t, err)

	if err := ping(t, &with); err != nil {
		t.Errorf("the command: %v", err)
	}
	if err := ping(t, &without); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("the command without the root: %v", err)
	}
	if err := produce(t, &with); err != nil {
		t.Errorf("the functions: %v", err)
	}
	if err := produce(t, &without); err == nil || !strings.Contains(err.Error(), "set KAFKA_CA") {
		t.Errorf("the functions without the root: %v", err)
	}
}

func ping(t *testing.T, where *Target) error {
	options, err := where.KafkaOptions()
	must(t, err)
	client, err := kgo.NewClient(append(options, kgo.RetryTimeout(time.Second))...)
	must(t, err)
	defer client.Close()
	_, err = kadm.NewClient(client).ListTopics(t.Context(), "t")
	return err
}

func produce(t *testing.T, where *Target) error {
	p, err := kafka.New(kafka.Config{Brokers: where.Kafka.Brokers, TLS: where.Kafka.TLS, Roots: where.Kafka.CA.Pool()})
	must(t, err)
	defer p.Close()
	return p.Produce(t.Context(), []kafka.Message{{Topic: "t", Value: []byte("v")}})
}

func selfSigned(t *testing.T) (certificate tls.Certificate, root []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
