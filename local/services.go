package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"

	"feedstream/local/services/hbase"
	"feedstream/local/services/kafka"
	"feedstream/local/services/mongodb"
	"feedstream/local/services/oss"
)

// The names of the contract that the local stack creates its services with.
const (
	bucket         = "feed-reference"
	hbaseTable     = "USER_TEST.STOCK"
	hbaseIndex     = "USER_TEST.STOCK_CODE_INDEX"
	consumerGroup  = "feed-enrich"
	localRegion    = "cn-local"
	localKeyID     = "local"
	localKeySecret = "local-secret" // guards loopback only: the embedded OSS checks signatures with it
)

var topics = kafka.Names{
	Input: "feed-updates", Output: "feed-records", Quarantine: "feed-quarantine", DeadLetter: "feed-deadletter",
}

// services are the servers that a stack works on: embedded ones, which speak the wire of the real
// ones on loopback and keep what they acknowledge in the data directory, unless others are named.
type services struct {
	environment environment // of all of them
	external    environment // of those that are not embedded

	kafka   *kafka.Server
	mongodb *mongodb.Server
	oss     *oss.Server
	hbase   *hbase.Server
}

// startServices starts an embedded server for each service that external does not name: all or none.
func startServices(dataDir string, p *ports, external environment, logger *slog.Logger) (_ *services, err error) {
	s := &services{environment: environment{keyIDVariable: localKeyID, secretVariable: localKeySecret}, external: external.named()}
	maps.Copy(s.environment, external)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if !external.names("KAFKA_BROKERS") {
		if s.kafka, err = startKafka(dataDir, p.addr(p.kafka), logger); err != nil {
			return s, fmt.Errorf("start Kafka: %w", err)
		}
		s.environment["KAFKA_BROKERS"] = s.kafka.Addr()
	}
	if !external.names("MONGODB_URI") {
		if s.mongodb, err = startMongoDB(dataDir, p.addr(p.mongodb), logger); err != nil {
			return s, fmt.Errorf("start MongoDB: %w", err)
		}
		s.environment["MONGODB_URI"] = "mongodb://" + s.mongodb.Addr()
	}
	if !external.names("OSS_ENDPOINT") {
		if s.oss, err = startOSS(dataDir, p.addr(p.oss), logger); err != nil {
			return s, fmt.Errorf("start OSS: %w", err)
		}
		s.environment["OSS_ENDPOINT"], s.environment["OSS_REGION"] = "http://"+s.oss.Addr(), localRegion
	}
	if !external.names("HBASE_ZOOKEEPER") {
		if s.hbase, err = startHBase(dataDir, p.addr(p.zookeeper), p.addr(p.hbase), logger); err != nil {
			return s, fmt.Errorf("start HBase: %w", err)
		}
		s.environment["HBASE_ZOOKEEPER"] = s.hbase.ZooKeeperAddr()
	}
	return s, nil
}

func startKafka(dataDir, addr string, logger *slog.Logger) (*kafka.Server, error) {
	return kafka.Start(kafka.Options{
		Addr: addr, Dir: filepath.Join(dataDir, "kafka"), Logger: logger.With("service", "kafka"),
		Topics: kafka.FeedTopics(topics, 4),
	})
}

func startMongoDB(dataDir, addr string, logger *slog.Logger) (*mongodb.Server, error) {
	return mongodb.Start(mongodb.Options{
		Addr: addr, Dir: filepath.Join(dataDir, "mongodb"), Logger: logger.With("service", "mongodb"),
	})
}

func startOSS(dataDir, addr string, logger *slog.Logger) (*oss.Server, error) {
	return oss.Start(oss.Options{
		Addr: addr, Dir: filepath.Join(dataDir, "oss"), Logger: logger.With("service", "oss"),
		AccessKeyID: localKeyID, AccessKeySecret: localKeySecret, Region: localRegion, Buckets: []string{bucket},
	})
}

func startHBase(dataDir, zookeeper, region string, logger *slog.Logger) (*hbase.Server, error) {
	return hbase.Start(hbase.Options{
		ZooKeeperAddr: zookeeper, Addr: region, Dir: filepath.Join(dataDir, "hbase"), Logger: logger.With("service", "hbase"),
	})
}

// overlay is what the local platform lays over the environment that s.yaml declares. A variable that
// is not set is laid over too, as empty: nothing of the cloud must show through.
func (s *services) overlay() map[string]string {
	overlay := s.environment.named()
	if s.oss != nil {
		delete(overlay, "OSS_BUCKET") // as written: the embedded server has the bucket of the contract
	}
	for name, fallback := range map[string]string{"KAFKA_TLS": "false", "HBASE_ZOOKEEPER_ROOT": "/hbase", "OSS_BUCKET": bucket} {
		if value, laid := overlay[name]; laid && value == "" {
			overlay[name] = fallback
		}
	}
	return overlay
}

func (s *services) close() error {
	var problems []error
	if s.hbase != nil {
		problems = append(problems, s.hbase.Close())
	}
	if s.oss != nil {
		problems = append(problems, s.oss.Close())
	}
	if s.mongodb != nil {
		problems = append(problems, s.mongodb.Close())
	}
	if s.kafka != nil {
		problems = append(problems, s.kafka.Close())
	}
	return errors.Join(problems...)
}
