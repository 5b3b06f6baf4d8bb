package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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
		"feed-enrich --sample kafka":  `"unmatched":1`,
	} {
		if text := verb(t, data, append([]string{"invoke"}, strings.Fields(args)...)...); !strings.Contains(text, want) {
			t.Errorf("invoke %s answers %s, want %s", args, text, want)
		}
	}
	if text := verb(t, data, "audit"); !strings.Contains(text, "samples") { // and it balances, else the verb had failed
		t.Errorf("after the samples: %s", text)
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
	event, err := invoke.SampleEvent(invoke.SampleKafka, now)
	must(t, err)
	deliveries, err := trigger.Decode(event)
	must(t, err)
	if len(deliveries) != 1 {
		t.Fatalf("%d deliveries", len(deliveries))
	}
	if update, rejected := deliveries[0].Update(now); rejected != nil || update.Sender != "192.0.2.1" || update.StockCode != "SAMPLE" ||
		deliveries[0].Origin.Topic != feed.SampleTopic {
		t.Errorf("%+v, %+v", update, rejected)
	}
}

// With --env a function is called in the cloud. What the file leaves out comes from the environment; what neither has
// is named.
func TestInvokeInTheCloud(t *testing.T) {
	cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprint(w, r.URL.Path, " ", string(body), err)
	}))
	t.Cleanup(cloud.Close)
	for _, name := range []string{target.KeyIDVariable, target.SecretVariable, target.TokenVariable, target.FCVariable, "FEED_ACCOUNT_ID"} {
		t.Setenv(name, "")
	}
	folder := t.TempDir()
	file, noKey := filepath.Join(folder, "deploy.env"), filepath.Join(folder, "nokey.env")
	must(t, os.WriteFile(noKey, []byte("FEED_REGION=cn-hangzhou\n"), 0o600))
	must(t, os.WriteFile(file, []byte(target.FCVariable+"="+cloud.URL+"\n"+target.KeyIDVariable+"=id\n"), 0o600))
	t.Setenv(target.SecretVariable, "the-secret")

	for _, test := range []struct {
		args, want string
		code       int
	}{
		{"feed-refresh -e {} --env " + file, "/2023-03-30/functions/feed-refresh/invocations {}", 0},
		{"feed-refresh --sample timer --env " + file, `"payload":"refresh"`, 0},
		{"feed-refresh -e {} --service old --env " + file, "/services/old/functions/feed-refresh/invocations {}", 0},
		{"feed-enrich --sample kafka --env " + file, `"topic":"feedstream.sample"`, 0},
		{"feed-query --sample http --env " + file, "s feed-query info", 2},
		{"feed-query --sample x --env " + file, "not known", 2},
		{"feed-refresh -e {} --service old", "give --env", 2},
		{"feed-refresh -e {} --env " + noKey, target.KeyIDVariable + " is missing", 1},
		{"feed-refresh -e {} --env " + noKey, "FEED_ACCOUNT_ID is missing", 1},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{"invoke"}, strings.Fields(test.args)...), &stdout, &stderr)
		text := stdout.String() + stderr.String()
		if code != test.code || !strings.Contains(text, test.want) || strings.Contains(text, "the-secret") {
			t.Errorf("%s exits with %d: %s; want %d, %s", test.args, code, text, test.code, test.want)
		}
	}
}
