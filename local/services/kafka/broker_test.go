package kafka_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"feedstream/local/services/kafka"
)

func produce(t *testing.T, s *kafka.Server, topic string, n int) (last int64) {
	t.Helper()
	c := client(t, s)
	for range n {
		r := &kgo.Record{Topic: topic, Value: []byte("x")}
		if err := c.ProduceSync(testContext(t), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		last = r.Offset
	}
	return last
}

// TestDeletedRecordsStayDeleted: offsets go on where they were after a clean end and after a crash, with no record
// left and with some.
func TestDeletedRecordsStayDeleted(t *testing.T) {
	one := kafka.Topic{Name: "a", Partitions: 1}
	for _, test := range []struct {
		name        string
		until, from int64
		crash       bool
	}{
		{"all, clean end", 5, 5, false},
		{"all, crash", 5, 5, true},
		{"some, clean end", 3, 3, false},
		{"some, crash", 3, 3, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, ctx := t.TempDir(), testContext(t)
			s := start(t, dir, one)
			produce(t, s, "a", 5)
			offsets := kadm.Offsets{}
			offsets.Add(kadm.Offset{Topic: "a", At: test.until})
			if _, err := kadm.NewClient(client(t, s)).DeleteRecords(ctx, offsets); err != nil {
				t.Fatal(err)
			}
			for life := range 3 {
				if test.crash { // what is on the disk now is what a kill leaves
					left := t.TempDir()
					if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
						t.Fatal(err)
					}
					dir = left
				} else if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = start(t, dir, one)
				starts, err := kadm.NewClient(client(t, s)).ListStartOffsets(ctx, "a")
				if err != nil {
					t.Fatal(err)
				}
				if got, _ := starts.Lookup("a", 0); got.Offset != test.from {
					t.Errorf("life %d: the partition starts at %d, want %d", life, got.Offset, test.from)
				}
			}
			if got := produce(t, s, "a", 1); got != 5 {
				t.Errorf("the next record has offset %d, want 5", got)
			}
			if got := len(values(t, s, "a", int(6-test.from))); got != int(6-test.from) {
				t.Errorf("%d records are left, want %d", got, 6-test.from)
			}
		})
	}
}

// TestTopicMadeAgainStartsAtZero: the start is the topic's, not its name's.
func TestTopicMadeAgainStartsAtZero(t *testing.T) {
	dir, ctx := t.TempDir(), testContext(t)
	one := kafka.Topic{Name: "a", Partitions: 1}
	s := start(t, dir, one)
	produce(t, s, "a", 5)
	admin := kadm.NewClient(client(t, s))
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: "a", At: 5})
	if _, err := admin.DeleteRecords(ctx, offsets); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.DeleteTopic(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := produce(t, start(t, dir, one), "a", 1); got != 0 {
		t.Errorf("the first record has offset %d", got)
	}
}

// TestMorePartitionsThanAsked: those added while the broker ran are there the next time.
func TestMorePartitionsThanAsked(t *testing.T) {
	dir, ctx := t.TempDir(), testContext(t)
	s := start(t, dir, feedTopics...)
	admin := kadm.NewClient(client(t, s))
	for topic, partitions := range map[string]int{"feed-updates": 8, "feed-quarantine": 2} {
		if _, err := admin.UpdatePartitions(ctx, partitions, topic); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = start(t, dir, feedTopics...)
	topics, err := kadm.NewClient(client(t, s)).ListTopics(ctx, "feed-updates", "feed-quarantine")
	if err != nil {
		t.Fatal(err)
	}
	if u, q := len(topics["feed-updates"].Partitions), len(topics["feed-quarantine"].Partitions); u != 8 || q != 2 {
		t.Errorf("%d and %d partitions, want 8 and 2", u, q)
	}
}

// TestRestartAfterATransaction: a partition may end in a mark that is no record.
func TestRestartAfterATransaction(t *testing.T) {
	dir, ctx := t.TempDir(), testContext(t)
	s := start(t, dir, feedTopics...)
	c := client(t, s, kgo.TransactionalID("tx"))
	if err := c.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := c.ProduceSync(ctx, &kgo.Record{Topic: "feed-quarantine", Value: []byte("x")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := c.EndTransaction(ctx, kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := produce(t, start(t, dir, feedTopics...), "feed-quarantine", 1); got != 2 {
		t.Errorf("the record after the mark has offset %d, want 2", got)
	}
}

func topicsAsked(name string, partitions int32, configs ...string) kmsg.CreateTopicsRequestTopic {
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, 1
	for i := 0; i < len(configs); i += 2 {
		config := kmsg.NewCreateTopicsRequestTopicConfig()
		config.Name, config.Value = configs[i], kmsg.StringPtr(configs[i+1])
		topic.Configs = append(topic.Configs, config)
	}
	return topic
}

// TestTopicsAreChecked asks for good and bad topics in one request.
func TestTopicsAreChecked(t *testing.T) {
	s := start(t, t.TempDir())
	request := kmsg.NewPtrCreateTopicsRequest()
	want := map[string]*kerr.Error{}
	for _, test := range []struct {
		topic kmsg.CreateTopicsRequestTopic
		want  *kerr.Error
	}{
		{topicsAsked("good", 3, "retention.ms", "-1", "flush.ms", "1000"), nil},
		{topicsAsked("default", -1), nil},
		{topicsAsked("../../escape", 1), kerr.InvalidTopicException},
		{topicsAsked("..", 1), kerr.InvalidTopicException},
		{topicsAsked("", 1), kerr.InvalidTopicException},
		{topicsAsked("with blank", 1), kerr.InvalidTopicException},
		{topicsAsked("line\nfeed", 1), kerr.InvalidTopicException},
		{topicsAsked(strings.Repeat("n", 250), 1), kerr.InvalidTopicException},
		{topicsAsked("minus-seven", -7), kerr.InvalidPartitions},
		{topicsAsked("zero", 0), kerr.InvalidPartitions},
		{topicsAsked("no-such", 1, "no.such.config", "x"), kerr.InvalidConfig},
		{topicsAsked("no-number", 1, "retention.ms", "abc"), kerr.InvalidConfig},
		{topicsAsked("not-done", 1, "remote.storage.enable", "true"), kerr.InvalidConfig},
		{topicsAsked("three-million", 3_000_000), kerr.PolicyViolation},
	} {
		request.Topics = append(request.Topics, test.topic)
		want[test.topic.Topic] = test.want
	}
	answer, err := request.RequestWith(testContext(t), client(t, s))
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range answer.Topics {
		if got := kerr.ErrorForCode(topic.ErrorCode); fmt.Sprint(got) != fmt.Sprint(kerrOrNil(want[topic.Topic])) {
			t.Errorf("%q: %v, want %v", topic.Topic, got, want[topic.Topic])
		}
		if topic.Configs == nil {
			t.Errorf("%q: configs are null", topic.Topic)
		}
		for _, c := range topic.Configs {
			if c.Source <= 0 {
				t.Errorf("%q: %s has source %d", topic.Topic, c.Name, c.Source)
			}
		}
	}
	if len(answer.Topics) != len(want) {
		t.Errorf("%d answers to %d topics", len(answer.Topics), len(want))
	}
}

func kerrOrNil(e *kerr.Error) error {
	if e == nil {
		return nil
	}
	return e
}

func TestSettingsAreChecked(t *testing.T) {
	s := start(t, t.TempDir(), kafka.Topic{Name: "a", Partitions: 1})
	admin := kadm.NewClient(client(t, s))
	for _, test := range []struct {
		name, value string
		want        error
	}{
		{"max.message.bytes", "2000000", nil},
		{"max.message.bytes", "abc", kerr.InvalidConfig},
		{"cleanup.policy", "compact,delete", nil},
		{"cleanup.policy", "shred", kerr.InvalidConfig},
		{"no.such.config", "x", kerr.InvalidConfig},
	} {
		change := []kadm.AlterConfig{{Name: test.name, Value: kmsg.StringPtr(test.value)}}
		for how, alter := range map[string]func() (kadm.AlterConfigsResponses, error){
			"change": func() (kadm.AlterConfigsResponses, error) {
				return admin.AlterTopicConfigs(testContext(t), change, "a")
			},
			"replace": func() (kadm.AlterConfigsResponses, error) {
				return admin.AlterTopicConfigsState(testContext(t), change, "a")
			},
		} {
			answers, err := alter()
			if err != nil {
				t.Fatal(err)
			}
			if got := answers[0].Err; !errors.Is(got, test.want) {
				t.Errorf("%s %s=%s: %v, want %v", how, test.name, test.value, got, test.want)
			}
		}
	}
	answers, err := admin.UpdatePartitions(testContext(t), 3_000_000, "a")
	if err != nil {
		t.Fatal(err)
	}
	if got := answers["a"].Err; !errors.Is(got, kerr.InvalidPartitions) {
		t.Errorf("three million partitions: %v", got)
	}
}

// TestAnswersAreABrokers: no array is null that the Java clients take for given, and what is not there says so.
func TestAnswersAreABrokers(t *testing.T) {
	c := client(t, start(t, t.TempDir(), kafka.Topic{Name: "a", Partitions: 1}))
	ctx := testContext(t)
	describe := kmsg.NewPtrDescribeTopicPartitionsRequest()
	topics, err := describe.RequestWith(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if p := topics.Topics[0].Partitions[0]; p.EligibleLeaderReplicas == nil || p.LastKnownELR == nil {
		t.Errorf("partition %+v", p)
	}
	quotas, err := kmsg.NewPtrDescribeClientQuotasRequest().RequestWith(ctx, c)
	if err != nil || quotas.Entries == nil {
		t.Errorf("quotas %+v, %v", quotas, err)
	}
	handshake := kmsg.NewPtrSASLHandshakeRequest()
	handshake.Mechanism = "PLAIN"
	sasl, err := handshake.RequestWith(ctx, c)
	if err != nil || sasl.ErrorCode != kerr.IllegalSaslState.Code {
		t.Errorf("handshake %+v, %v", sasl, err)
	}
	versions, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range versions.ApiKeys {
		if name := kmsg.NameForKey(k.ApiKey); strings.Contains(name, "Telemetry") {
			t.Errorf("%s is announced", name)
		}
	}
}

// TestLyingBatchIsRefused: one bad batch in a request spares the good one beside it.
func TestLyingBatchIsRefused(t *testing.T) {
	s := start(t, t.TempDir(), kafka.Topic{Name: "a", Partitions: 2})
	record := kmsg.Record{Value: []byte("v")}
	record.Length = int32(len(record.AppendTo(nil)) - 1)
	request := kmsg.NewPtrProduceRequest()
	request.Acks = -1
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic = "a"
	for p, count := range []int32{1, 7} {
		partition := kmsg.NewProduceRequestTopicPartition()
		partition.Partition, partition.Records = int32(p), batchOf(count, record.AppendTo(nil))
		topic.Partitions = append(topic.Partitions, partition)
	}
	request.Topics = append(request.Topics, topic)
	answer, err := request.RequestWith(testContext(t), client(t, s, kgo.MaxVersions(byName())))
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 2 {
		t.Fatalf("answer %+v", answer)
	}
	for _, p := range answer.Topics[0].Partitions {
		want := []int16{0, kerr.InvalidRecord.Code}[p.Partition]
		if p.ErrorCode != want {
			t.Errorf("partition %d: code %d, want %d", p.Partition, p.ErrorCode, want)
		}
	}
}
