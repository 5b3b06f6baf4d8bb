package stack

import (
	"context"
	"strings"
	"testing"
	"time"

	"feedstream/local/services/fault"
)

// A rule for each part that can go wrong reaches it, and the feed has its verdicts all the same.
func TestFaults(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Faults = []string{
		"kafka.produce after drop 2x", "hbase.multi after error RegionTooBusyException 2x", "oss.get corrupt 1x",
		"mongodb.find before error ShutdownInProgress 1x",
		"enrich.freeze 50ms 1x", "push.throttle 1x", "push.repeat 1x", "push.concurrent 1x", "push.reorder 100ms 1x",
		"stream.rebalance 1x", "clock -30s 50%",
	}
	cfg.FaultSeed = 1
	s := runningOn(t, cfg)
	must(t, s.Publish(t.Context(), Feed{Records: 4000, Seed: 1}))
	_, _ = s.platform.RunTimer(t.Context(), s.target.Names.Refresh)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { // what fails does not wait long
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				s.RetryNow()
			case <-ctx.Done():
				return
			}
		}
	}()
	s.balances(t, 4000)
	stop()
	done, err := s.SetFaults(0)
	must(t, err)
	for _, rule := range done {
		if rule.Times == 0 {
			t.Errorf("%s has never happened", rule.Rule)
		}
	}
	if len(done) != len(cfg.Faults) || len(s.Faults()) != 0 {
		t.Errorf("cleared %d of %d rules, %d are left", len(done), len(cfg.Faults), len(s.Faults()))
	}
}

// A function that is killed, or out of time, under a push costs no record.
func TestInstanceFaults(t *testing.T) {
	t.Parallel()
	s := running(t)
	_, err := s.SetFaults(1, "enrich.kill after 1x", "enrich.timeout 1ms 1x")
	must(t, err)
	s.publishSome(t, 1)
	s.balances(t, 2000)
	for _, rule := range s.Faults() {
		if rule.Times != 1 {
			t.Errorf("%s has happened %d times", rule.Rule, rule.Times)
		}
	}
}

// A stack with a wrong rule does not begin, a running one keeps those it has.
func TestAWrongRuleIsRefused(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Faults = []string{"redis.get drop"}
	if _, err := Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "the targets are kafka, hbase, oss, mongodb, enrich,") {
		t.Errorf("error = %v", err)
	}
	f := &faults{targets: []fault.Target{fault.Served("kafka", []string{"fetch"})}}
	s := &Stack{faults: f}
	_, err := s.SetFaults(1, "kafka.fetch drop")
	must(t, err)
	if _, err := s.SetFaults(1, "kafka.fetch drop", "kafka.produce drop"); err == nil {
		t.Error("a rule about no call was taken")
	}
	if got := s.Faults(); len(got) != 1 || got[0].Rule.String() != "kafka.fetch drop" {
		t.Errorf("rules = %+v", got)
	}
}
