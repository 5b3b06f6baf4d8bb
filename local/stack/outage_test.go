package stack

import (
	"strings"
	"testing"
	"time"
)

// awaitFailure returns once a push has failed, which names what the outage looks like to an operator.
func (s *Stack) awaitFailure(t *testing.T, addr string) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		last := s.platform.Status().Streams[0].LastError
		if strings.Contains(last, addr) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no error names %s; the last is %q", addr, last)
		}
	}
}

// Each service stops under load and comes back: the error names its address, and nothing is lost.
func TestOutages(t *testing.T) {
	t.Run("HBase", func(t *testing.T) {
		t.Parallel()
		s := running(t)
		s.publishSome(t, 1)
		zookeeper, region := s.services.hbase.ZooKeeperAddr(), s.services.hbase.Addr()
		must(t, s.services.hbase.Close())
		s.publishSome(t, 2)
		s.awaitFailure(t, zookeeper)
		must(t, s.services.startHBase(zookeeper, region))
		s.platform.RetryNow()
		s.balances(t, 4000)
	})
	t.Run("Kafka", func(t *testing.T) {
		t.Parallel()
		s := running(t)
		s.publishSome(t, 1)
		addr := s.services.kafka.Addr()
		must(t, s.services.kafka.Close())
		s.awaitFailure(t, addr)
		must(t, s.services.startKafka(addr))
		s.publishSome(t, 2)
		s.platform.RetryNow()
		s.balances(t, 4000)
	})
	t.Run("OSS before the first snapshot is loaded", func(t *testing.T) {
		t.Parallel()
		s := running(t)
		addr := s.services.oss.Addr()
		must(t, s.services.oss.Close())
		s.publishSome(t, 1)
		s.awaitFailure(t, addr) // without a snapshot a push waits: nothing is unmatched
		must(t, s.services.startOSS(addr))
		s.platform.RetryNow()
		s.balances(t, 2000)
	})
	t.Run("OSS", func(t *testing.T) {
		t.Parallel()
		s := running(t)
		s.publishSome(t, 1)
		s.balances(t, 2000)
		addr := s.services.oss.Addr()
		must(t, s.services.oss.Close())
		s.publishSome(t, 2)
		s.balances(t, 4000) // the snapshot that is loaded serves on
		_, err := s.platform.RunTimer(t.Context(), "feed-refresh")
		wantAddress(t, err, addr)
		must(t, s.services.startOSS(addr))
		_, err = s.platform.RunTimer(t.Context(), "feed-refresh")
		must(t, err)
	})
	t.Run("MongoDB", func(t *testing.T) {
		t.Parallel()
		s := running(t)
		addr := s.services.mongodb.Addr()
		must(t, s.services.mongodb.Close())
		s.publishSome(t, 1)
		s.balances(t, 2000)
		_, err := s.platform.RunTimer(t.Context(), "feed-refresh")
		wantAddress(t, err, addr)
		must(t, s.services.startMongoDB(addr))
		_, err = s.platform.RunTimer(t.Context(), "feed-refresh")
		must(t, err)
	})
}

func wantAddress(t *testing.T, err error, addr string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("error = %v, want one that names %s", err, addr)
	}
}
