package kafka_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"feedstream/local/services/fault"
	"feedstream/local/services/kafka"
)

// crashDir, set in the environment, makes the test binary a broker that acknowledges until killed.
const crashDir = "FEEDSTREAM_TEST_KAFKA_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		produceUntilKilled(dir)
	}
	os.Exit(m.Run())
}

var feedTopics = kafka.FeedTopics(kafka.Names{
	Input: "feed-updates", Output: "feed-records", Quarantine: "feed-quarantine", DeadLetter: "feed-deadletter",
}, 4)

func start(t *testing.T, dir string, topics ...kafka.Topic) *kafka.Server {
	t.Helper()
	s, err := kafka.Start(kafka.Options{Addr: "127.0.0.1:0", Dir: dir, Topics: topics})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func client(t *testing.T, s *kafka.Server, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(s.Addr())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// values reads n records of a topic from its beginning.
func values(t *testing.T, s *kafka.Server, topic string, n int) []string {
	t.Helper()
	c := client(t, s, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var got []string
	for len(got) < n {
		fetches := c.PollFetches(testContext(t))
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d of %d records: %v", len(got), n, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	return got
}

func TestTopicsExistAfterStart(t *testing.T) {
	s := start(t, t.TempDir(), feedTopics...)
	resp, err := kmsg.NewPtrMetadataRequest().RequestWith(testContext(t), client(t, s))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, topic := range resp.Topics {
		got[*topic.Topic] = len(topic.Partitions)
	}
	want := map[string]int{"feed-updates": 4, "feed-records": 4, "feed-quarantine": 1, "feed-deadletter": 1}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("topics = %v, want %v", got, want)
	}
	if host, port := resp.Brokers[0].Host, resp.Brokers[0].Port; net.JoinHostPort(host, strconv.Itoa(int(port))) != s.Addr() {
		t.Errorf("advertised %s:%d, listens on %s", host, port, s.Addr())
	}
}

func TestUnknownTopicIsNotCreated(t *testing.T) {
	s := start(t, t.TempDir(), feedTopics...)
	c := client(t, s, kgo.AllowAutoTopicCreation(), kgo.UnknownTopicRetries(0))
	err := c.ProduceSync(testContext(t), &kgo.Record{Topic: "misspelt", Value: []byte("x")}).FirstErr()
	if err == nil {
		t.Fatal("a record for an unknown topic was acknowledged")
	}
}

func TestSetAsideTopicsHoldTheLargestInput(t *testing.T) {
	s := start(t, t.TempDir(), feedTopics...)
	c := client(t, s, kgo.ProducerBatchMaxBytes(4<<20), kgo.ProducerBatchCompression(kgo.NoCompression()))
	atLimit := make([]byte, kafka.MaxInputBytes+kafka.SetAsideRoom-200)
	if err := c.ProduceSync(testContext(t), &kgo.Record{Topic: "feed-quarantine", Value: atLimit}).FirstErr(); err != nil {
		t.Errorf("quarantine refuses a record of %d bytes: %v", len(atLimit), err)
	}
	err := c.ProduceSync(testContext(t), &kgo.Record{Topic: "feed-updates", Value: atLimit}).FirstErr()
	if !errors.Is(err, kerr.MessageTooLarge) {
		t.Errorf("the input topic answers %v to a record of %d bytes, want %v", err, len(atLimit), kerr.MessageTooLarge)
	}
}

func TestOldRecordsStay(t *testing.T) {
	short := kafka.Topic{Name: "short", Partitions: 1, Configs: map[string]string{"retention.ms": "3600000"}}
	s := start(t, t.TempDir(), append(feedTopics, short)...)
	old := &kgo.Record{Topic: "feed-updates", Value: []byte("old"), Timestamp: time.Date(2020, 11, 19, 0, 0, 0, 0, time.UTC)}
	if err := client(t, s).ProduceSync(testContext(t), old).FirstErr(); err != nil {
		t.Fatal(err)
	}
	s.Cluster().ApplyRetention()
	if got := values(t, s, "feed-updates", 1); got[0] != "old" {
		t.Errorf("read %q", got)
	}
}

func TestRestartKeepsRecordsAndOffsets(t *testing.T) {
	dir, ctx := t.TempDir(), testContext(t)
	s := start(t, dir, feedTopics...)
	// Requests of this age name topics by their names, later ones by their ids.
	byName := kgo.MaxVersions(kversion.V2_8_0())
	c := client(t, s, byName)
	for i := range 10 {
		r := &kgo.Record{Topic: "feed-quarantine", Value: []byte(strconv.Itoa(i))}
		if err := c.ProduceSync(ctx, r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	commit := kmsg.NewPtrOffsetCommitRequest()
	commit.Group, commit.Generation = "feed-enrich", -1
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic = "feed-quarantine"
	partition := kmsg.NewOffsetCommitRequestTopicPartition()
	partition.Offset = 7
	topic.Partitions = append(topic.Partitions, partition)
	commit.Topics = append(commit.Topics, topic)
	if _, err := commit.RequestWith(ctx, c); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = start(t, dir, feedTopics...)
	if got := values(t, s, "feed-quarantine", 10); strings.Join(got, "") != "0123456789" {
		t.Errorf("records after the restart: %q", got)
	}
	fetch := kmsg.NewPtrOffsetFetchRequest()
	fetch.Group = "feed-enrich"
	fetchTopic := kmsg.NewOffsetFetchRequestTopic()
	fetchTopic.Topic, fetchTopic.Partitions = "feed-quarantine", []int32{0}
	fetch.Topics = append(fetch.Topics, fetchTopic)
	resp, err := fetch.RequestWith(ctx, client(t, s, byName))
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Topics[0].Partitions[0].Offset; got != 7 {
		t.Errorf("committed offset after the restart = %d, want 7", got)
	}
}

func TestStartRefuses(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, kafka.Topic{Name: "a", Partitions: 2})
	refused := func(opts kafka.Options, want string) {
		t.Helper()
		other, err := kafka.Start(opts)
		if err == nil {
			other.Close()
			t.Fatalf("started, want an error with %q", want)
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q, want %q in it", err, want)
		}
	}
	refused(kafka.Options{Addr: "127.0.0.1:0", Dir: dir}, "another process uses the data directory "+dir)
	refused(kafka.Options{Addr: s.Addr(), Dir: t.TempDir()}, s.Addr())
	refused(kafka.Options{Addr: "9092", Dir: t.TempDir()}, `"9092" is not host:port`)
	refused(kafka.Options{Addr: "127.0.0.1:0"}, "data directory is not set")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	more := []kafka.Topic{{Name: "a", Partitions: 3}}
	refused(kafka.Options{Addr: "127.0.0.1:0", Dir: dir, Topics: more}, `topic "a" has 2 partitions`)
	if err := os.Remove(filepath.Join(dir, "topics.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "partitions", "a-0"), 0o755); err != nil {
		t.Fatal(err)
	}
	refused(kafka.Options{Addr: "127.0.0.1:0", Dir: dir}, "partitions without a list of topics")
}

func TestOrphansAreRemoved(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, kafka.Topic{Name: "kept", Partitions: 1})
	c := client(t, s)
	if err := c.ProduceSync(testContext(t), &kgo.Record{Topic: "kept", Value: []byte("kept")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// What a topic created and lost in a crash leaves: segments that no topic claims.
	orphan := filepath.Join(dir, "partitions", "lost-0")
	if err := os.CopyFS(orphan, os.DirFS(filepath.Join(dir, "partitions", "kept-0"))); err != nil {
		t.Fatal(err)
	}
	s = start(t, dir, kafka.Topic{Name: "kept", Partitions: 1}, kafka.Topic{Name: "lost", Partitions: 1})
	c = client(t, s)
	first := &kgo.Record{Topic: "lost", Value: []byte("new")}
	if err := c.ProduceSync(testContext(t), first).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if first.Offset != 0 {
		t.Errorf("the first record of a new topic has offset %d", first.Offset)
	}
	if got := values(t, s, "lost", 1); got[0] != "new" {
		t.Errorf("new topic begins with %q", got[0])
	}
	if got := values(t, s, "kept", 1); got[0] != "kept" {
		t.Errorf("kept topic begins with %q", got[0])
	}
}

func TestFault(t *testing.T) {
	s := start(t, t.TempDir(), feedTopics...)
	s.Cluster().Fault(kfake.Fault{Topic: "feed-updates", Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.InvalidRecord})
	c := client(t, s)
	r := &kgo.Record{Topic: "feed-updates", Value: []byte("x")}
	if err := c.ProduceSync(testContext(t), r).FirstErr(); !errors.Is(err, kerr.InvalidRecord) {
		t.Errorf("the first produce answers %v, want %v", err, kerr.InvalidRecord)
	}
	if err := c.ProduceSync(testContext(t), r).FirstErr(); err != nil {
		t.Errorf("the second produce answers %v", err)
	}
}

// TestFaultsByName has faults of requests, and what is in the log after them.
func TestFaultsByName(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault fault.Fault
		want  error // nil: the producer's second try is acknowledged
		kept  []string
	}{
		{"refused", fault.Fault{Err: "INVALID_RECORD"}, kerr.InvalidRecord, []string{"last"}},
		{"done and denied", fault.Fault{When: fault.After, Err: "INVALID_RECORD"}, kerr.InvalidRecord,
			[]string{"first", "last"}},
		{"timed out before it applied", fault.Fault{Err: "REQUEST_TIMED_OUT"}, nil, []string{"first", "last"}},
		{"not the leader", fault.Fault{Err: "NOT_LEADER_FOR_PARTITION"}, nil, []string{"first", "last"}},
		{"dropped", fault.Fault{Drop: true}, nil, []string{"first", "last"}},
		{"done and dropped", fault.Fault{When: fault.After, Drop: true}, nil, []string{"first", "last"}},
		{"late", fault.Fault{Delay: time.Millisecond}, nil, []string{"first", "last"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, t.TempDir(), kafka.Topic{Name: "t", Partitions: 1})
			plan := fault.MustPlan(kafka.Faults(), fault.Rule{Call: "produce", Count: 1, Fault: test.fault})
			s.Fault(func(c kafka.Call) fault.Fault { return plan.Next(c.Name) })
			c := client(t, s, kgo.MetadataMinAge(10*time.Millisecond))
			err := c.ProduceSync(testContext(t), &kgo.Record{Topic: "t", Value: []byte("first")}).FirstErr()
			if !errors.Is(err, test.want) {
				t.Errorf("the first produce answers %v, want %v", err, test.want)
			}
			if err := c.ProduceSync(testContext(t), &kgo.Record{Topic: "t", Value: []byte("last")}).FirstErr(); err != nil {
				t.Errorf("the last produce answers %v", err)
			}
			if got := values(t, s, "t", len(test.kept)); !slices.Equal(got, test.kept) {
				t.Errorf("the log holds %q, want %q", got, test.kept)
			}
		})
	}
}

// TestFaultsOfAConsumer has faults in what a consumer asks; it tries again.
func TestFaultsOfAConsumer(t *testing.T) {
	s := start(t, t.TempDir(), kafka.Topic{Name: "t", Partitions: 1})
	plan := fault.MustPlan(kafka.Faults(),
		fault.Rule{Call: "fetch", Count: 1, Fault: fault.Fault{When: fault.After, Drop: true}},
		fault.Rule{Call: "fetch", Count: 1, Fault: fault.Fault{Err: "NOT_LEADER_OR_FOLLOWER"}},
		fault.Rule{Call: "listoffsets", Count: 1, Fault: fault.Fault{When: fault.After, Err: "NOT_LEADER_OR_FOLLOWER"}},
		fault.Rule{Call: "metadata", Count: 1, Fault: fault.Fault{When: fault.After, Delay: time.Millisecond}},
	)
	var asked sync.Map
	s.Fault(func(c kafka.Call) fault.Fault {
		asked.Store(c.Name, true)
		return plan.Next(c.Name)
	})
	record := &kgo.Record{Topic: "t", Value: []byte("v")}
	if err := client(t, s).ProduceSync(testContext(t), record).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if got := values(t, s, "t", 1); got[0] != "v" {
		t.Errorf("the log holds %q", got)
	}
	asked.Range(func(name, _ any) bool {
		if !slices.Contains(kafka.Calls(), name.(string)) {
			t.Errorf("Calls lacks %s", name)
		}
		return true
	})
}

// TestFaultsLeaveOtherProtocolsAlone sends what is no request; it passes as it comes and the hook is not asked.
func TestFaultsLeaveOtherProtocolsAlone(t *testing.T) {
	s := start(t, t.TempDir())
	s.Fault(func(c kafka.Call) fault.Fault {
		t.Errorf("asked about %q", c.Name)
		return fault.Fault{}
	})
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte{0, 0, 0, 3, 0, 0, 0, '?', '?', '?', '?', '?'}); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection goes on: %v", err)
	}
	_ = conn.Close() // the broker has closed it
}

// TestKill proves that what was acknowledged is there after kill -9: of a first life, and of one
// that began on the files of a clean end.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	for life := range 2 {
		acknowledged := runAndKill(t, dir, 300)
		s := start(t, dir, feedTopics...)
		got := values(t, s, "feed-quarantine", acknowledged)
		for i, value := range got[:acknowledged] {
			if value != strconv.Itoa(i) {
				t.Fatalf("life %d: record %d is %q", life, i, value)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// runAndKill lets a broker in another process acknowledge some records more and kills it. It returns
// how many it has acknowledged in all.
func runAndKill(t *testing.T, dir string, more int) int {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	acknowledged := 0
	for range more {
		if !lines.Scan() {
			t.Fatal("the broker ended by itself")
		}
		if acknowledged, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Process.Kill()
	for lines.Scan() { // what it acknowledged between our reading and its death counts too
		if n, err := strconv.Atoi(lines.Text()); err == nil && n > acknowledged {
			acknowledged = n
		}
	}
	cmd.Wait()
	return acknowledged
}

// produceUntilKilled numbers records on from what the log holds and prints the count after each
// acknowledgement.
func produceUntilKilled(dir string) {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	s, err := kafka.Start(kafka.Options{Addr: "127.0.0.1:0", Dir: dir, Topics: feedTopics})
	fail(err)
	c, err := kgo.NewClient(kgo.SeedBrokers(s.Addr()), kgo.ProducerLinger(0))
	fail(err)
	req := kmsg.NewPtrListOffsetsRequest()
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic = "feed-quarantine"
	partition := kmsg.NewListOffsetsRequestTopicPartition()
	partition.Timestamp = -1
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(context.Background(), c)
	fail(err)
	for n := int(resp.Topics[0].Partitions[0].Offset); ; n++ {
		r := &kgo.Record{Topic: "feed-quarantine", Value: []byte(strconv.Itoa(n))}
		fail(c.ProduceSync(context.Background(), r).FirstErr())
		if _, err := io.WriteString(os.Stdout, strconv.Itoa(n+1)+"\n"); err != nil {
			fail(err)
		}
	}
}

// byName is the last version whose requests name topics by their names.
func byName() *kversion.Versions { return kversion.V2_8_0() }

// batchOf is a batch that says it holds count records.
func batchOf(count int32, records []byte) []byte {
	batch := kmsg.RecordBatch{Magic: 2, NumRecords: count, LastOffsetDelta: count - 1, Records: records,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1}
	raw := batch.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}
