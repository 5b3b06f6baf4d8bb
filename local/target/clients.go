package target

import (
	"context"
	"crypto/tls"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"feedstream/shared/hbase"
	"feedstream/shared/mongo"
	"feedstream/shared/oss"
	"feedstream/shared/reference"
)

// KafkaOptions are those of a client that reaches the brokers as the functions do.
func (t *Target) KafkaOptions() ([]kgo.Opt, error) {
	if err := t.Needs(Kafka); err != nil {
		return nil, err
	}
	options := []kgo.Opt{kgo.SeedBrokers(t.Kafka.Brokers...)}
	if t.Kafka.TLS {
		options = append(options, kgo.DialTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: t.Kafka.CA.Pool()}))
	}
	login := scram.Auth{User: t.Kafka.SASLUsername, Pass: t.Kafka.SASLPassword}
	switch t.Kafka.SASLMechanism {
	case "PLAIN":
		options = append(options, kgo.SASL(plain.Auth{User: t.Kafka.SASLUsername, Pass: t.Kafka.SASLPassword}.AsMechanism()))
	case "SCRAM-SHA-256":
		options = append(options, kgo.SASL(login.AsSha256Mechanism()))
	case "SCRAM-SHA-512":
		options = append(options, kgo.SASL(login.AsSha512Mechanism()))
	}
	return options, nil
}

// Table returns a client of HBase; timeout bounds each of its calls, 0 leaves that to the client. The
// caller closes it.
func (t *Target) Table(timeout time.Duration) (*hbase.Client, error) {
	if err := t.Needs(HBase); err != nil {
		return nil, err
	}
	return hbase.New(hbase.Config{
		ZooKeeper: string(t.HBase.ZooKeeper), Root: t.HBase.ZooKeeperRoot, Timeout: timeout, Logger: slog.New(slog.DiscardHandler),
	})
}

// Objects returns the bucket of the reference.
func (t *Target) Objects() (*oss.Bucket, error) {
	if err := t.Needs(OSS); err != nil {
		return nil, err
	}
	return oss.New(oss.Config{Endpoint: t.OSS.Endpoint, Region: t.OSS.Region, Bucket: t.OSS.Bucket},
		func(context.Context) (oss.Credentials, error) { return t.Credentials, nil })
}

// Announcer reads and writes the manifest of the reference.
func (t *Target) Announcer() (*reference.Announcer, error) {
	objects, err := t.Objects()
	if err != nil {
		return nil, err
	}
	return &reference.Announcer{Objects: objects, Prefix: string(t.OSS.Prefix), Now: time.Now}, nil
}

// Source returns the collection of the reference in MongoDB. The caller closes it.
func (t *Target) Source() (*mongo.Source, error) {
	if err := t.Needs(MongoDB); err != nil {
		return nil, err
	}
	return mongo.New(mongo.Config{URI: t.Mongo.URI, Database: t.Mongo.Database, Collection: t.Mongo.Collection})
}
