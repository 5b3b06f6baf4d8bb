//go:build real

package real

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/real/child"
	"feedstream/local/stack/stacktest"
	"feedstream/shared/feed"
	"feedstream/shared/phoenix"
)

// feedstream is the built command with its functions and the manifest of production beside it.
type feedstream struct{ folder, env string }

func build(t *testing.T) *feedstream {
	t.Helper()
	f := &feedstream{folder: t.TempDir()}
	for _, each := range []string{"local", "functions/enrich", "functions/refresh", "functions/query", "functions/publish"} {
		to := filepath.Join(f.folder, "bin", each, filepath.Base(each)) // where s.yaml expects it
		if each == "local" {
			to = filepath.Join(f.folder, "feedstream")
		}
		if output, err := exec.Command("go", "build", "-o", to, "../../"+each).CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", each, err, output)
		}
	}
	manifest, err := os.ReadFile("../../s.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.folder, "s.yaml"), manifest, 0o600); err != nil {
		t.Fatal(err)
	}
	return f
}

// command prepares a verb on the real servers.
func (f *feedstream) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(f.folder, "feedstream"), append(args, "--env", f.env)...)
	cmd.Dir = f.folder
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	return cmd
}

// doctor answers what `doctor --live` prints, and whether it ended with the expected exit code.
func (f *feedstream) doctor(t *testing.T, want int) string {
	t.Helper()
	cmd := f.command(t.Context(), "doctor", "--live")
	output, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Errorf("doctor ended with %d, want %d:\n%s", got, want, output)
	}
	return string(output)
}

// TestStack runs the built command and the functions of s.yaml on real Kafka and real HBase, has both
// restarted and the regions moved and split in mid-stream, and lets SQL judge what the functions wrote.
func TestStack(t *testing.T) {
	ctx := patient(t)
	h, k := startHBase(t, nil, nil), startKafka(t, t.TempDir(), nil)
	f := build(t)
	f.env = environment(t, h, k)
	j := newJudge(t, h.Client)

	for _, want := range []string{"kafka-topics.sh --create --topic feed-updates --partitions 4", "CREATE TABLE IF NOT EXISTS USER_TEST.STOCK"} {
		if said := f.doctor(t, 1); !strings.Contains(said, want) {
			t.Errorf("doctor does not name %q:\n%s", want, said)
		}
	}
	createTopics(t, k.Addr, "feed-")
	j.query(t, phoenix.TableDDL(table))
	if said := f.doctor(t, 1); !strings.Contains(said, "CREATE UNCOVERED INDEX") {
		t.Errorf("doctor does not name the missing index:\n%s", said)
	}
	j.query(t, phoenix.IndexDDL(table, index))
	f.doctor(t, 0)

	endpoints := filepath.Join(f.folder, "endpoints.json")
	up := f.command(ctx, "up", "--ephemeral", "--endpoints", endpoints, "--records", "40000", "--rate", "400",
		"--drain", "--json", "--bad-ratio", "0.02", "--unknown-ratio", "0.05")
	var report, progress bytes.Buffer
	up.Stdout, up.Stderr = &report, &progress
	if err := child.Start(up); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- up.Wait() }()
	faults := []struct {
		name string
		do   func() error
	}{
		{"regions moved to the other server", func() error { return errors.Join(h.SQL.Move(table), h.SQL.Move(index)) }},
		{"regions split", func() error { return errors.Join(h.SQL.Split(table, "192.168.2.1"), h.SQL.Split(index, "2318")) }},
		{"Kafka restarted", func() error { k.Stop(); return k.Start(ctx) }},
		{"HBase killed and restarted", func() error { h.Kill(); return h.Start(ctx) }},
	}
	for _, fault := range faults {
		for console(t, endpoints) == "" && len(ended) == 0 {
			time.Sleep(50 * time.Millisecond)
		}
		awaitVerdicts(t, console(t, endpoints), verdicts(console(t, endpoints))+1000, ended)
		if err := fault.do(); err != nil {
			t.Fatalf("%s: %v", fault.name, err)
		}
		t.Logf("%s in mid-stream", fault.name)
	}
	if err := <-ended; err != nil {
		t.Fatalf("up: %v\n%s\n%.3000s", err, report.String(), progress.String()[max(0, progress.Len()-3000):])
	}
	var audit struct {
		Balanced                                    bool
		Published, Enriched, Unmatched, Quarantined int
	}
	if err := json.Unmarshal(report.Bytes(), &audit); err != nil || !audit.Balanced || audit.Published != 40000 {
		t.Errorf("audit = %+v, %v", audit, err)
	}
	t.Logf("audit: %+v", audit)
	j.settle(t, newestOutput(t, k.Addr))
	j.agrees(t)
	j.testIndexTool(t)
	t.Run("with other names", func(t *testing.T) { f.testOtherNames(t, j, k.Addr) })
}

// testOtherNames runs the stack on the same servers by a manifest in which every name is another. The table's are
// in lower case: what doctor says would make it must make it.
func (f *feedstream) testOtherNames(t *testing.T, j *judge, broker string) {
	content, err := os.ReadFile("../../s.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.folder, "other.yaml"), []byte(stacktest.OtherNames(string(content))), 0o600); err != nil {
		t.Fatal(err)
	}
	createTopics(t, broker, "other-")
	const table, index = "other.quote", "other.quote_by_code"
	j.query(t, phoenix.TableDDL(table))
	j.query(t, phoenix.IndexDDL(table, index))
	if output, err := f.command(t.Context(), "doctor", "--live", "--manifest", "other.yaml").CombinedOutput(); err != nil {
		t.Errorf("doctor: %v\n%s", err, output)
	}
	const records = 20000
	up := f.command(t.Context(), "up", "--ephemeral", "--manifest", "other.yaml", "--records", strconv.Itoa(records), "--drain", "--json")
	report, err := up.Output()
	if err != nil {
		t.Fatalf("up: %v\n%s", err, report)
	}
	var audit struct {
		Balanced  bool
		Published int
		Table     struct{ Rows int }
	}
	if err := json.Unmarshal(report, &audit); err != nil || !audit.Balanced || audit.Published != records {
		t.Errorf("audit = %s, %v", report, err)
	}
	counted := j.query(t, `SELECT COUNT(*) FROM "other"."quote"`)
	if len(counted) != 1 || counted[0][0] != strconv.Itoa(audit.Table.Rows) {
		t.Errorf("SQL counts %v rows, the audit %d", counted, audit.Table.Rows)
	}
	t.Logf("%d records under other names: %d rows", audit.Published, audit.Table.Rows)
}

// awaitVerdicts returns once the running stack has given at least so many verdicts.
func awaitVerdicts(t *testing.T, console string, want int, ended <-chan error) {
	t.Helper()
	for deadline := time.Now().Add(4 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if verdicts(console) >= want {
			return
		}
		select {
		case err := <-ended:
			t.Fatalf("up ended before it had given %d verdicts: %v", want, err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %d verdicts in time: %d", want, verdicts(console))
		}
	}
}

// console is where a stack has its console, as it wrote into its endpoints file; empty before that.
func console(t *testing.T, endpoints string) string {
	t.Helper()
	content, err := os.ReadFile(endpoints)
	if errors.Is(err, os.ErrNotExist) {
		return ""
	}
	var at struct{ Console string }
	if err := errors.Join(err, json.Unmarshal(content, &at)); err != nil {
		t.Fatal(err)
	}
	return at.Console
}

// verdicts is 0 as long as the stack is not ready.
func verdicts(console string) int {
	answer, err := http.Get(console + "/api/status")
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	var status struct {
		Verdicts struct{ Enriched, Unmatched, Quarantined, DeadLettered int }
	}
	if err := json.NewDecoder(answer.Body).Decode(&status); err != nil {
		return 0
	}
	v := status.Verdicts
	return v.Enriched + v.Unmatched + v.Quarantined + v.DeadLettered
}

// newestOutput reads the whole output topic: for each row key the records of its highest event time.
func newestOutput(t *testing.T, broker string) map[string][]feed.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics("feed-records"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(t.Context(), "feed-records")
	if err != nil {
		t.Fatal(err)
	}
	left := int64(0)
	ends.Each(func(end kadm.ListedOffset) { left += end.Offset })
	newest := map[string][]feed.Record{}
	for left > 0 {
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(message *kgo.Record) {
			left--
			var r feed.Record
			if err := json.Unmarshal(message.Value, &r); err != nil {
				t.Fatal(fmt.Errorf("record %d/%d: %w", message.Partition, message.Offset, err))
			}
			all := newest[r.RowKey()]
			switch {
			case len(all) == 0 || r.Time > all[0].Time:
				newest[r.RowKey()] = []feed.Record{r}
			case r.Time == all[0].Time:
				newest[r.RowKey()] = append(all, r)
			}
		})
	}
	return newest
}
