package stack

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"feedstream/local/services/hbase"
	"feedstream/local/services/kafka"
	"feedstream/local/services/mongodb"
	"feedstream/local/services/oss"
	"feedstream/local/target"
)

// What the embedded OSS signs with. The key guards loopback only.
const (
	localRegion    = "cn-local"
	localKeyID     = "local"
	localKeySecret = "local-secret"
)

// defaultPartitions is how many partitions the input and the output topic are made with.
const defaultPartitions = 4

// services are the embedded servers of a stack. They speak the wire of the real ones on loopback and keep
// what they acknowledge in the data directory. A service that is named elsewhere is nil here.
type services struct {
	dir        string
	names      target.Names
	partitions int // of the input and the output topic
	logger     *slog.Logger

	kafka   *kafka.Server
	mongodb *mongodb.Server
	oss     *oss.Server
	hbase   *hbase.Server
}

// start starts an embedded server for each service that is not named elsewhere, all or none, and returns
// where all services are.
func (s *services) start(p *Ports, elsewhere *target.Target) (_ target.Target, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	found := map[string]string{}
	if !elsewhere.Has(target.Kafka) {
		if err := s.startKafka(p.addr(p.kafka)); err != nil {
			return target.Target{}, err
		}
		found[string(target.Kafka)] = s.kafka.Addr()
	}
	if !elsewhere.Has(target.MongoDB) {
		if err := s.startMongoDB(p.addr(p.mongodb)); err != nil {
			return target.Target{}, err
		}
		found[string(target.MongoDB)] = "mongodb://" + s.mongodb.Addr()
	}
	if !elsewhere.Has(target.OSS) {
		if err := s.startOSS(p.addr(p.oss)); err != nil {
			return target.Target{}, err
		}
		found[string(target.OSS)], found["OSS_REGION"] = "http://"+s.oss.Addr(), localRegion
		found[target.KeyIDVariable], found[target.SecretVariable] = localKeyID, localKeySecret
	}
	if !elsewhere.Has(target.HBase) {
		if err := s.startHBase(p.addr(p.zookeeper), p.addr(p.hbase)); err != nil {
			return target.Target{}, err
		}
		found[string(target.HBase)] = s.hbase.ZooKeeperAddr()
	}
	embedded, err := target.Parse(found, s.names)
	if err != nil {
		return target.Target{}, err
	}
	return embedded.With(elsewhere)
}

func (s *services) startKafka(addr string) (err error) {
	s.kafka, err = kafka.Start(kafka.Options{
		Addr: addr, Dir: filepath.Join(s.dir, "kafka"), Logger: s.logger.With("service", "kafka"),
		Topics: kafka.FeedTopics(kafka.Names(s.names.Topics), cmp.Or(s.partitions, defaultPartitions)),
	})
	return failed("start Kafka", err)
}

func (s *services) startMongoDB(addr string) (err error) {
	s.mongodb, err = mongodb.Start(mongodb.Options{
		Addr: addr, Dir: filepath.Join(s.dir, "mongodb"), Logger: s.logger.With("service", "mongodb"),
	})
	return failed("start MongoDB", err)
}

func (s *services) startOSS(addr string) (err error) {
	s.oss, err = oss.Start(oss.Options{
		Addr: addr, Dir: filepath.Join(s.dir, "oss"), Logger: s.logger.With("service", "oss"),
		AccessKeyID: localKeyID, AccessKeySecret: localKeySecret, Region: localRegion, Buckets: []string{s.names.Bucket},
	})
	return failed("start OSS", err)
}

func (s *services) startHBase(zookeeper, region string) error {
	tables, err := hbase.FeedTables(s.names.Table, s.names.Index)
	if err != nil {
		return failed("start HBase", err)
	}
	s.hbase, err = hbase.Start(hbase.Options{
		ZooKeeperAddr: zookeeper, Addr: region, Dir: filepath.Join(s.dir, "hbase"), Logger: s.logger.With("service", "hbase"),
		Tables: tables,
	})
	return failed("start HBase", err)
}

func failed(doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
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
