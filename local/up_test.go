package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"feedstream/shared/feed"
)

// manifestPath is a copy of the production s.yaml beside freshly built functions.
var manifestPath string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "feedstream-test-")
	if err != nil {
		panic(err)
	}
	code := 1
	if err := buildFunctions(dir); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func buildFunctions(dir string) error {
	for _, name := range []string{"enrich", "refresh", "query", "publish"} {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, "bin", "functions", name, name), "../functions/"+name)
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return err
		}
	}
	content, err := os.ReadFile("../s.yaml")
	if err != nil {
		return err
	}
	manifestPath = filepath.Join(dir, "s.yaml")
	return os.WriteFile(manifestPath, content, 0o600)
}

func testOptions(t *testing.T) *upOptions {
	t.Helper()
	o := &upOptions{manifest: manifestPath, data: t.TempDir(), ports: defaultPorts(), seed: 1, anonymousHTTP: true}
	o.ports.takeFree()
	return o
}

// TestDrain runs the whole stack: every record gets its verdict, and every reason that a producer can
// cause is seen.
func TestDrain(t *testing.T) {
	o := testOptions(t)
	o.records, o.drain, o.simulated, o.asJSON, o.badRatio, o.unknownRatio = 2000, true, true, true, 0.05, 0.05
	var out bytes.Buffer
	if err := up(t.Context(), o, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var result drainResult
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		t.Fatal(err)
	}
	if !result.Balanced || result.Published != 2000 || result.Enriched+result.Unmatched+result.Quarantined != 2000 {
		t.Errorf("result = %s", out.String())
	}
	if result.Unmatched == 0 || result.Table.Rows == 0 || result.Index.Rows != result.Table.Rows {
		t.Errorf("result = %s", out.String())
	}
	for _, reason := range []feed.Reason{feed.MissingKey, feed.InvalidKey, feed.MissingValue, feed.MalformedValue,
		feed.InvalidStockCode, feed.InvalidTimestamp, feed.FutureTimestamp} {
		if result.QuarantinedByReason[reason] == 0 {
			t.Errorf("no record was set aside as %s", reason)
		}
	}
}

func TestASecondStackIsRefused(t *testing.T) {
	o := testOptions(t)
	unlock, err := lockData(o.data)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if err := up(t.Context(), o, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "another stack runs") {
		t.Errorf("error = %v", err)
	}
}

func TestTakenPortsAreNamedBeforeAnythingStarts(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	o := testOptions(t)
	taken := listener.Addr().(*net.TCPAddr).Port
	o.ports.kafka.number, o.ports.oss.number = taken, taken
	err = up(t.Context(), o, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "--kafka-port") || !strings.Contains(err.Error(), "--oss-port") {
		t.Errorf("error = %v", err)
	}
	if entries, _ := os.ReadDir(o.data); len(entries) != 1 { // the lock file
		t.Errorf("something was started: %v", entries)
	}
	// A service that is named elsewhere needs no port here, which is where it may well run itself.
	err = o.ports.check(environment{"KAFKA_BROKERS": "127.0.0.1:1"})
	if err == nil || strings.Contains(err.Error(), "--kafka-port") || !strings.Contains(err.Error(), "--oss-port") {
		t.Errorf("with a Kafka elsewhere: error = %v", err)
	}
}

func TestListenHost(t *testing.T) {
	p := defaultPorts()
	p.listenHost = "0.0.0.0"
	if got := p.addr(p.console); got != "0.0.0.0:8080" {
		t.Errorf("the console listens on %s", got)
	}
	if got := p.addr(p.kafka); got != "127.0.0.1:9092" {
		t.Errorf("the embedded Kafka listens on %s: it has no authentication and stays on loopback", got)
	}
	for listening, want := range map[string]string{
		"[::]:8080": "127.0.0.1:8080", "0.0.0.0:8080": "127.0.0.1:8080", "127.0.0.1:8080": "127.0.0.1:8080", "10.0.0.7:8080": "10.0.0.7:8080",
	} {
		if got := reachable(listening); got != want {
			t.Errorf("what listens on %s is reached at %s, want %s", listening, got, want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, test := range []struct {
		args []string
		want int
	}{
		{[]string{"--help"}, 0},
		{[]string{"up", "--nonsense"}, 2},
		{[]string{"up", "--drain"}, 2},
		{[]string{"query"}, 2},
		{[]string{"load-reference"}, 2},
		{[]string{"audit", "--from", "yesterday"}, 2},
		{[]string{"audit", "--data", t.TempDir()}, 1},
		{[]string{"up", "--manifest", "absent.yaml"}, 1},
	} {
		if got := run(t.Context(), test.args, io.Discard, io.Discard); got != test.want {
			t.Errorf("%q exits with %d, want %d", test.args, got, test.want)
		}
	}
}

func TestParseReference(t *testing.T) {
	for _, test := range []struct{ content, want string }{
		{"", "header"},
		{"Symbol,Name\n", "the header is"},
		{"Symbol,Company Name,Last Price,Volume\na,b,1,many\n", `line 2: the volume "many"`},
		{"Symbol,Company Name,Last Price,Volume\na,b\n", "wrong number of fields"},
	} {
		if _, err := parseReference([]byte(test.content)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error = %v, want %s", test.content, err, test.want)
		}
	}
}
