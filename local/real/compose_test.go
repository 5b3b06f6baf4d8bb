//go:build real && compose

package real

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// The addresses of docker-compose.yml, as clients on this machine use them.
const (
	composeZooKeeper   = "localhost:2181"
	composeKafka       = "localhost:9092"
	composeQueryServer = "http://localhost:8765"
	composeConsole     = "http://localhost:8080"
	composeTriggers    = "http://localhost:8082"
)

const repository = "../.."

// containers are the project of `make compose-nopull`, driven by the command that the Makefile uses.
type containers struct{ command []string }

// make runs a target of the Makefile, as whoever uses it does.
func (containers) make(t *testing.T, target string) {
	t.Helper()
	began := time.Now()
	if output, err := exec.CommandContext(context.WithoutCancel(t.Context()), "make", "-C", repository, target).CombinedOutput(); err != nil {
		t.Fatalf("make %s: %v\n%s", target, err, output[max(0, len(output)-4000):])
	}
	t.Logf("make %s took %.1f s", target, time.Since(began).Seconds())
}

func (c containers) compose(ctx context.Context, args ...string) *exec.Cmd {
	all := append(slices.Clone(c.command), args...)
	cmd := exec.CommandContext(ctx, all[0], all[1:]...)
	cmd.Dir = repository
	return cmd
}

// feedstream runs a verb of the command on this machine, on the servers in the containers.
func (c containers) feedstream(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(patient(t), "bin/feedstream", append(args, "--env", "local/compose/config/feedstream.env")...)
	cmd.Dir = repository
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("feedstream %v on this machine: %v\n%s", args, err, output)
	}
}

func (c containers) run(t *testing.T, args ...string) string {
	t.Helper()
	output, err := c.compose(t.Context(), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v %v: %v\n%s", c.command, args, err, output)
	}
	return string(output)
}

// TestCompose runs the containers of local/compose, built without pulling an image: the stack with its
// drain and audit while servers are restarted, the rows by SQL from this machine with the thick and the
// thin driver, and again, with the driver in one jar that database tools load, after everything was taken
// down and put up.
func TestCompose(t *testing.T) {
	c := containers{strings.Fields(os.Getenv("COMPOSE"))}
	if len(c.command) == 0 {
		t.Fatal("COMPOSE is empty: run this test by `make real-compose`")
	}
	t.Cleanup(func() {
		if t.Failed() {
			output, err := c.compose(context.WithoutCancel(t.Context()), "logs", "--tail", "15").CombinedOutput()
			t.Logf("the ends of the logs: %v\n%s", err, output)
		}
		c.make(t, "compose-clean")
	})
	c.make(t, "compose-clean") // an earlier run that was cut off
	c.make(t, "compose-nopull")
	awaitReady(t)
	c.checkContainers(t)
	answersOverHTTP(t)
	c.run(t, "exec", "-T", "feedstream", "bin/feedstream", "doctor", "--live", "--env", "/compose.env")
	if rows := c.run(t, "exec", "-T", "feedstream", "bin/feedstream", "query", "--data", "/data", "--code", "2318.HK"); !strings.Contains(rows, "|2318.HK") {
		t.Errorf("query in its container prints no row:\n%s", rows)
	}
	c.feedstream(t, "doctor", "--live")
	t.Log("doctor finds all in order, from a container and from this machine")
	c.run(t, "stop", "feedstream") // its own feed must not move the rows

	c.drainUnderFaults(t)
	c.feedstream(t, "audit")
	client, err := Connect(patient(t), t.TempDir(), composeZooKeeper)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	j := newJudge(t, client)
	j.settle(t, newestOutput(t, composeKafka))
	j.agrees(t)
	j.agreesByThinDriver(t, composeQueryServer)
	j.testIndexTool(t)
	client.Close()

	c.make(t, "compose-down")
	c.run(t, "up", "-d", "schema", "queryserver", "kafka") // everything but the feed
	driver, err := OpenDriver(patient(t), t.TempDir(), composeZooKeeper,
		"phoenix.schema.isNamespaceMappingEnabled=false", "phoenix.schema.mapSystemTablesToNamespace=false")
	if err != nil {
		t.Fatal(err)
	}
	j.Client = &Client{ZooKeeper: composeZooKeeper, SQL: driver}
	t.Cleanup(j.Close)
	j.agrees(t)
	t.Log("the rows are there after compose-down, for the driver of one jar")
}

// checkContainers holds every container to what the file promises: no root, and no port that another
// machine reaches.
func (c containers) checkContainers(t *testing.T) {
	t.Helper()
	ids := strings.Fields(c.run(t, "ps", "-a", "-q"))
	output, err := exec.CommandContext(t.Context(), "docker", append([]string{"inspect"}, ids...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []struct {
		Name       string
		Config     struct{ User string }
		HostConfig struct {
			PortBindings map[string][]struct{ HostIp string }
		}
	}
	if err := json.Unmarshal(output, &found); err != nil || len(found) != 10 {
		t.Fatalf("%d containers, want 10; %v", len(found), err)
	}
	for _, container := range found {
		if slices.Contains([]string{"", "0", "root"}, container.Config.User) {
			t.Errorf("%s runs as root", container.Name)
		}
		for port, bindings := range container.HostConfig.PortBindings {
			for _, binding := range bindings {
				if binding.HostIp != "127.0.0.1" {
					t.Errorf("%s publishes %s on %q", container.Name, port, binding.HostIp)
				}
			}
		}
	}
}

func awaitReady(t *testing.T) {
	t.Helper()
	began := time.Now()
	for ctx := patient(t); ; time.Sleep(100 * time.Millisecond) {
		answer, err := http.Get(composeConsole + "/api/status")
		if err == nil {
			answer.Body.Close()
			t.Logf("the stack is ready %.1f s later", time.Since(began).Seconds())
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// answersOverHTTP waits for rows of the feed that runs by itself, read by the query function.
func answersOverHTTP(t *testing.T) {
	t.Helper()
	for ctx := patient(t); ; time.Sleep(100 * time.Millisecond) {
		var page struct{ Items []struct{ StockCode string } }
		answer, err := http.Get(composeTriggers + "/feed-query/stocks/2318.HK")
		if err == nil {
			err = json.NewDecoder(answer.Body).Decode(&page)
			answer.Body.Close()
		}
		if err == nil && len(page.Items) > 0 && page.Items[0].StockCode == "2318.HK" {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("no rows of 2318.HK: %+v, %v", page, err)
		}
	}
}

// drainUnderFaults has the command in its container publish, drain and audit, while the region server
// is killed and Kafka is restarted.
func (c containers) drainUnderFaults(t *testing.T) {
	t.Helper()
	before := verdicts(composeConsole)
	up := c.compose(patient(t), "run", "--rm", "-T", "--no-deps", "feedstream", "up", "--data=/data", "--env=/compose.env",
		"--listen-host=0.0.0.0", "--records=20000", "--rate=400", "--bad-ratio=0.02", "--unknown-ratio=0.05", "--drain", "--json")
	var report, progress bytes.Buffer
	up.Stdout, up.Stderr = &report, &progress
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- up.Wait() }()
	for _, fault := range []struct {
		name string
		args []string
	}{
		{"the region server killed and started", []string{"kill", "-s", "KILL", "hbase-regionserver"}},
		{"", []string{"up", "-d", "--no-deps", "hbase-regionserver"}},
		{"Kafka restarted", []string{"restart", "kafka"}},
	} {
		if fault.name != "" {
			awaitVerdicts(t, composeConsole, max(before, verdicts(composeConsole))+1000, ended)
			t.Logf("%s in mid-stream", fault.name)
		}
		c.run(t, fault.args...)
	}
	if err := <-ended; err != nil {
		t.Fatalf("up: %v\n%s\n%s", err, report.String(), progress.String()[max(0, progress.Len()-3000):])
	}
	var audit struct {
		Balanced                                    bool
		Published, Enriched, Unmatched, Quarantined int
	}
	if err := json.Unmarshal(report.Bytes(), &audit); err != nil || !audit.Balanced || audit.Published < 20000 {
		t.Errorf("audit = %+v, %v\n%s", audit, err, report.String())
	}
	t.Logf("audit: %+v", audit)
}
