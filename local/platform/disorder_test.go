package platform

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"feedstream/local/platform/runtime"
	"feedstream/local/platform/stream"
	"feedstream/shared/testkit"
)

// Each fault of an instance or a push costs no record, and what the function sees of it is what its name says.
func TestFaults(t *testing.T) {
	for name, test := range map[string]struct {
		instance runtime.Fault
		push     stream.Fault
		twice    bool   // the function has seen the events twice
		error    string // that the push failed with
	}{
		"killed once it has answered": {instance: runtime.Fault{Kill: true, Lost: true}, twice: true, error: "killed before its answer"},
		"killed under way":            {instance: runtime.Fault{Kill: true}, error: "feed-test"},
		"timeout":                     {instance: runtime.Fault{Timeout: time.Nanosecond}, error: "ran into its timeout of 1ns"},
		"frozen":                      {instance: runtime.Fault{Freeze: 100 * time.Millisecond}},
		"throttled":                   {push: stream.Fault{Throttle: true}, error: "ResourceExhausted"},
		"repeated":                    {push: stream.Fault{Repeat: true}, twice: true},
		"side by side":                {push: stream.Fault{Concurrent: true}, twice: true},
		"held back":                   {push: stream.Fault{Reorder: time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, nil)
			var instance, push atomic.Bool
			log := &testkit.Log{}
			cfg := b.cfg
			cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
			cfg.InstanceFault = func(string) (none runtime.Fault) {
				if instance.CompareAndSwap(false, true) {
					return test.instance
				}
				return none
			}
			cfg.PushFault = func() (none stream.Fault) {
				if push.CompareAndSwap(false, true) {
					return test.push
				}
				return none
			}
			p, err := Start(cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = p.Close(context.Background()) })
			with := &testbed{Platform: p, ledger: b.ledger}
			ends := b.produce(t, 1)
			p.StartStreams()
			with.wait(t, ends)
			times, _ := b.delivered(t)
			most := 0
			for _, n := range times {
				most = max(most, n)
			}
			if len(times) != 2 || test.twice != (most == 2) {
				t.Errorf("delivered %v, twice is %v", times, test.twice)
			}
			if text := log.String(); !strings.Contains(text, test.error) || test.error == "" && text != "" {
				t.Errorf("told %q, want %q", text, test.error)
			}
		})
	}
}
