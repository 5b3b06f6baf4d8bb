package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/repair"
	"feedstream/local/stack"
	"feedstream/local/stack/stacktest"
	"feedstream/local/target"
	"feedstream/shared/feed"
)

// runningWith starts a stack on the production manifest with one text in the place of another.
func runningWith(t *testing.T, before, after string) (*stack.Stack, string) {
	t.Helper()
	content, err := os.ReadFile(stacktest.Manifest)
	must(t, err)
	if !strings.Contains(string(content), before) {
		t.Fatalf("%s does not say %q", stacktest.Manifest, before)
	}
	path := filepath.Join(filepath.Dir(stacktest.Manifest), t.Name()+".yaml")
	must(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(content), before, after)), 0o600))
	data := t.TempDir()
	s, err := stack.Start(t.Context(), stack.Config{Manifest: path, Data: data})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s, data
}

// open counts the records that are set aside and neither overtaken nor redriven, by reason.
func open(t *testing.T, data, from string) map[feed.Reason]int {
	t.Helper()
	counts := map[feed.Reason]int{}
	for _, a := range parsed[[]repair.Aside](t, verb(t, data, from, "list", "--json")) {
		if a.State == repair.Open {
			counts[a.Reason]++
		}
	}
	return counts
}

type balance struct {
	Balanced                                            bool
	Published, Enriched, Quarantined, Redriven, Missing int
}

// A thousand bad records of every kind that a publisher can cause are mended and redriven, some of them
// twice, until nothing is left to repair.
func TestQuarantineIsEmptied(t *testing.T) {
	s, data := running(t)
	verb(t, data, "publish", "--records", "1000", "--bad-ratio", "1")
	must(t, s.Settle(t.Context()))
	reasons := open(t, data, "quarantine")
	if len(reasons) < 5 {
		t.Fatalf("set aside: %v", reasons)
	}
	now := fmt.Sprint("timestamp=", time.Now().UnixMilli())
	dry := parsed[repair.Summary](t, verb(t, data, "quarantine", "redrive", "--dry-run", "--trim", "--json"))
	if dry.Total.Redriven != 1000 || !dry.DryRun || dry.StillBad == 0 {
		t.Errorf("dry run: %+v", dry)
	}
	for _, mend := range [][]string{
		{"--reason", "missing-key", "--set", "key=192.168.2.9", "--max", "10"},
		{"--reason", "missing-key", "--set", "key=192.168.2.9"},
		{"--reason", "invalid-key", "--trim", "--replace", "|=."}, // mends some of them
		{"--reason", "missing-value", "--set", "stockCode=2318.HK", "--set", now},
		{"--reason", "malformed-value", "--set", now},
		{"--code", "2318 HK", "--replace", "2318 HK=2318.HK"},
		{"--reason", "invalid-stock-code", "--set", "stockCode=2318.HK"},
		{"--reason", "invalid-timestamp", "--set", now},
		{"--reason", "future-timestamp", "--set", now, "--rate", "10000"},
	} {
		verb(t, data, append([]string{"quarantine", "redrive"}, mend...)...)
	}
	must(t, s.Settle(t.Context()))
	left := open(t, data, "quarantine")
	if len(left) != 1 || left[feed.InvalidKey] == 0 || left[feed.InvalidKey] >= reasons[feed.InvalidKey] {
		t.Errorf("%v are set aside again, of %v", left, reasons)
	}
	again := parsed[repair.Summary](t, verb(t, data, "quarantine", "redrive", "--reason", "invalid-key", "--set", "key=192.168.2.10", "--json"))
	if again.Total.Redriven != left[feed.InvalidKey] || again.Total.Before != reasons[feed.InvalidKey] {
		t.Errorf("redriven again: %+v", again)
	}
	must(t, s.Settle(t.Context()))
	if left = open(t, data, "quarantine"); len(left) != 0 {
		t.Errorf("still set aside: %v", left)
	}
	report := parsed[balance](t, verb(t, data, "audit", "--json"))
	bad := 1000 + again.Total.Redriven // all of them have a record in their place
	want := balance{true, bad + 1000, 1000, bad, bad, 0}
	if report != want {
		t.Errorf("audit: %+v, want %+v", report, want)
	}
	where := s.Target()
	env := filepath.Join(t.TempDir(), "services.env")
	must(t, os.WriteFile(env, []byte("KAFKA_BROKERS="+where.Address(target.Kafka)+"\n"), 0o600))
	if text := verb(t, data, "quarantine", "list", "--env", env, "--manifest", stacktest.Manifest); !strings.Contains(text, "0 of them open") {
		t.Errorf("list: %s", text[max(0, len(text)-200):])
	}
}

// A push that fails for ever is given up, and so dead-lettered. What none of its records has a verdict of is redriven.
func TestDeadLettersAreRedriven(t *testing.T) {
	s, data := running(t)
	where := s.Target()
	options, err := where.KafkaOptions()
	must(t, err)
	client, err := kgo.NewClient(options...)
	must(t, err)
	defer client.Close()
	admin, topics := kadm.NewClient(client), where.Names.Topics
	_, err = admin.DeleteTopic(t.Context(), topics.Quarantine)
	must(t, err)
	verb(t, data, "publish", "--records", "50", "--bad-ratio", "0.5")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	settled := make(chan error, 1)
	go func() { settled <- s.Settle(ctx) }()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for done := false; !done; {
		select {
		case err := <-settled:
			must(t, err)
			done = true
		case <-ticker.C:
			verb(t, data, "retry", "--give-up")
		}
	}
	_, err = admin.CreateTopic(t.Context(), 1, 1, nil, topics.Quarantine)
	must(t, err)

	before := open(t, data, "deadletter")[repair.PushFailed]
	if before == 0 {
		t.Fatal("nothing was dead-lettered")
	}
	value := fmt.Sprint("value=2318.HK,", time.Now().UnixMilli())
	got := parsed[repair.Summary](t, verb(t, data, "deadletter", "redrive", "--set", value, "--set", "key=192.168.2.9", "--json"))
	if got.Total.Redriven != before {
		t.Errorf("%+v, %d were open", got, before)
	}
	must(t, s.Settle(t.Context()))
	if left := open(t, data, "deadletter"); len(left) != 0 {
		t.Errorf("still set aside: %v", left)
	}
	report := parsed[balance](t, verb(t, data, "audit", "--json"))
	if !report.Balanced || report.Published != 50+before {
		t.Errorf("audit: %+v", report)
	}
}

// Rows are joined anew with a reference that has learned of their stock, and input records replayed.
func TestReplayVerb(t *testing.T) {
	s, data := runningWith(t, "REFERENCE_CHECK_INTERVAL: 30s", "REFERENCE_CHECK_INTERVAL: 1s")
	verb(t, data, "publish", "--records", "200", "--unknown-ratio", "0.5")
	must(t, s.Settle(t.Context()))
	dry := parsed[repair.Rejoined](t, verb(t, data, "replay", "--unmatched", "--dry-run", "--json"))
	if dry.Rows == 0 || dry.Records != dry.Rows || dry.Gone != 0 {
		t.Fatalf("dry run: %+v", dry)
	}
	csv, err := os.ReadFile("data/hang-seng.csv")
	must(t, err)
	known := filepath.Join(t.TempDir(), "known.csv")
	must(t, os.WriteFile(known, append(csv, "0000.XX,Learned,1.5,1\n0001.XX,Learned,1.5,1\nNONE.XX,Learned,1.5,1\n"...), 0o600))
	verb(t, data, "load-reference", known)
	verb(t, data, "refresh")
	verb(t, data, "replay", "--unmatched")
	left := parsed[repair.Rejoined](t, verb(t, data, "replay", "--unmatched", "--dry-run", "--json"))
	unknown := parsed[repair.Rejoined](t, verb(t, data, "replay", "--code", "no-such-stock", "--dry-run", "--json"))
	if left.Rows != unknown.Rows || left.Rows >= dry.Rows {
		t.Errorf("%d of %d rows are unmatched still, %d of them of the stock that is unknown", left.Rows, dry.Rows, unknown.Rows)
	}
	if report := parsed[balance](t, verb(t, data, "audit", "--json")); !report.Balanced {
		t.Errorf("audit: %+v", report)
	}
	again := parsed[repair.Replayed](t, verb(t, data, "replay", "--from", "1:0", "--to", "1:10", "--json"))
	if again.Records != 10 || again.Enriched+again.Unmatched != 10 {
		t.Errorf("replayed: %+v", again)
	}
	if report := parsed[balance](t, verb(t, data, "audit", "--json")); !report.Balanced || report.Published != 200 {
		t.Errorf("audit after the replay: %+v", report)
	}
	env := filepath.Join(t.TempDir(), "services.env")
	must(t, os.WriteFile(env, []byte("KAFKA_BROKERS=127.0.0.1:1\n"), 0o600))
	if code, problem := answer(t, data, nil, "replay", "--all", "--env", env, "--manifest", stacktest.Manifest); code != 1 ||
		!strings.Contains(problem, "leave --env out") {
		t.Errorf("elsewhere: %d %s", code, problem)
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"replay", "--unmatched", "--env", env, "--manifest", stacktest.Manifest}, &stdout, &stderr); code != 1 ||
		stdout.Len() > 0 || !strings.Contains(stderr.String(), "leave --env out") {
		t.Errorf("rows elsewhere: %d %q %s", code, stdout.String(), stderr.String())
	}
	if code, problem := answer(t, data, nil, "replay"); code != 2 || !strings.Contains(problem, "--all") {
		t.Errorf("of nothing: %d %s", code, problem)
	}
	if code, problem := answer(t, data, nil, "replay", "--unmatched", "--from", "1:0"); code != 2 || !strings.Contains(problem, "one kind") {
		t.Errorf("both kinds: %d %s", code, problem)
	}
}
