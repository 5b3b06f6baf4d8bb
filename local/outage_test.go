package main

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"feedstream/local/audit"
	"feedstream/local/platform/manifest"
	"feedstream/local/simulate"
)

// running starts a stack that ends with the test.
func running(t *testing.T) *stack {
	t.Helper()
	return runningOn(t, testOptions(t))
}

func runningOn(t *testing.T, o *upOptions) *stack {
	t.Helper()
	m, err := manifest.Load(o.manifest)
	if err != nil {
		t.Fatal(err)
	}
	external, err := o.external()
	if err != nil {
		t.Fatal(err)
	}
	s, err := startStack(t.Context(), o, m, external, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *stack) publish(t *testing.T, seed uint64) {
	t.Helper()
	if _, err := simulate.Run(t.Context(), simulate.Config{
		Brokers: []string{s.endpoints.Kafka}, Topic: topics.Input, Records: 2000, Seed: seed, UnknownRatio: 0.05,
	}); err != nil {
		t.Fatal(err)
	}
}

// balances waits for the verdict of everything published and audits.
func (s *stack) balances(t *testing.T, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	ends, err := s.services.environment.endOffsets(ctx, topics.Input)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.platform.WaitCommitted(ctx, topics.Input, ends); err != nil {
		t.Fatalf("%v; status %+v", err, s.platform.Status())
	}
	report, err := s.services.environment.audit(ctx, audit.Bound{}, audit.Bound{})
	if err != nil {
		t.Fatal(err)
	}
	if !report.Balanced || report.Enriched+report.Unmatched != want {
		t.Errorf("report = %+v", report)
	}
}

// awaitFailure returns once a push has failed, which names what the outage looks like to an operator.
func (s *stack) awaitFailure(t *testing.T, addr string) {
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

var quiet = slog.New(slog.DiscardHandler)

// Each service stops under load and comes back: the error names its address, and nothing is lost.
func TestOutages(t *testing.T) {
	t.Run("HBase", func(t *testing.T) {
		t.Parallel()
		s := running(t)
		s.publish(t, 1)
		zookeeper, region := s.services.hbase.ZooKeeperAddr(), s.services.hbase.Addr()
		must(t, s.services.hbase.Close())
		s.publish(t, 2)
		s.awaitFailure(t, zookeeper)
		var err error
		s.services.hbase, err = startHBase(s.options.data, zookeeper, region, quiet)
		must(t, err)
		s.platform.RetryNow()
		s.balances(t, 4000)
	})
	t.Run("Kafka", func(t *testing.T) {
		t.Parallel()
		s := running(t)
		s.publish(t, 1)
		addr := s.services.kafka.Addr()
		must(t, s.services.kafka.Close())
		s.awaitFailure(t, addr)
		var err error
		s.services.kafka, err = startKafka(s.options.data, addr, quiet)
		must(t, err)
		s.publish(t, 2)
		s.platform.RetryNow()
		s.balances(t, 4000)
	})
	t.Run("OSS before the first snapshot is loaded", func(t *testing.T) {
		t.Parallel()
		s := running(t)
		addr := s.services.oss.Addr()
		must(t, s.services.oss.Close())
		s.publish(t, 1)
		s.awaitFailure(t, addr) // without a snapshot a push waits: nothing is unmatched
		var err error
		s.services.oss, err = startOSS(s.options.data, addr, quiet)
		must(t, err)
		s.platform.RetryNow()
		s.balances(t, 2000)
	})
	t.Run("OSS", func(t *testing.T) {
		t.Parallel()
		s := running(t)
		s.publish(t, 1)
		s.balances(t, 2000)
		addr := s.services.oss.Addr()
		must(t, s.services.oss.Close())
		s.publish(t, 2)
		s.balances(t, 4000) // the snapshot that is loaded serves on
		_, err := s.platform.RunTimer(t.Context(), "feed-refresh")
		wantAddress(t, err, addr)
		s.services.oss, err = startOSS(s.options.data, addr, quiet)
		must(t, err)
		_, err = s.platform.RunTimer(t.Context(), "feed-refresh")
		must(t, err)
	})
	t.Run("MongoDB", func(t *testing.T) {
		t.Parallel()
		s := running(t)
		addr := s.services.mongodb.Addr()
		must(t, s.services.mongodb.Close())
		s.publish(t, 1)
		s.balances(t, 2000)
		_, err := s.platform.RunTimer(t.Context(), "feed-refresh")
		wantAddress(t, err, addr)
		s.services.mongodb, err = startMongoDB(s.options.data, addr, quiet)
		must(t, err)
		_, err = s.platform.RunTimer(t.Context(), "feed-refresh")
		must(t, err)
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantAddress(t *testing.T, err error, addr string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("error = %v, want one that names %s", err, addr)
	}
}
