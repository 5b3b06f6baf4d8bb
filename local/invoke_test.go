package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"feedstream/local/invoke"
	"feedstream/local/target"
	"feedstream/shared/feed"
	"feedstream/shared/trigger"
)

// Any function of the running stack is called with a sample of its trigger, and its log says so.
func TestInvokeAndLogs(t *testing.T) {
	_, data := running(t)
	for args, want := range map[string]string{
		"feed-refresh --sample timer": `"version":`,
		"feed-query --sample http":    `"items":`,
		"feed-publish --sample http":  `"partition":`,
		"feed-enrich --sample kafka":  `"enriched":1`,
	} {
		if text := verb(t, data, append([]string{"invoke"}, strings.Fields(args)...)...); !strings.Contains(text, want) {
			t.Errorf("invoke %s answers %s, want %s", args, text, want)
		}
	}
	// What a function prints takes another way than its answer, and may come after it.
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		text := verb(t, data, "logs", "feed-enrich", "-n", "50")
		if strings.Contains(text, "FC Invoke End RequestId") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log is %q", text)
		}
	}
	var stderr bytes.Buffer
	for args, want := range map[string]string{
		"invoke feed-refresh":                     "give one of",
		"invoke feed-refresh --sample x":          "not known",
		"invoke feed-refresh -e {} --sample http": "give one of",
		"invoke nobody -e {}":                     "nobody",
		"logs nobody":                             "feed-enrich",
	} {
		stderr.Reset()
		if code := run(t.Context(), append(strings.Fields(args), "--data", data), &bytes.Buffer{}, &stderr); code == 0 ||
			!strings.Contains(stderr.String(), want) {
			t.Errorf("%s exits with %d: %s", args, code, stderr.String())
		}
	}
}

// The sample push is one that the function reads.
func TestSamplePush(t *testing.T) {
	now := time.UnixMilli(1605760851124)
	event, err := invoke.SampleEvent(invoke.SampleKafka, target.Names{Topics: feed.DefaultTopics()}, now)
	must(t, err)
	deliveries, err := trigger.Decode(event)
	must(t, err)
	if len(deliveries) != 1 {
		t.Fatalf("%d deliveries", len(deliveries))
	}
	if update, rejected := deliveries[0].Update(now); rejected != nil || update.Sender != "192.168.2.18" || update.StockCode != "2318.HK" {
		t.Errorf("%+v, %+v", update, rejected)
	}
}
