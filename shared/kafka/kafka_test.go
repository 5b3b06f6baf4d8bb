package kafka

import (
	"errors"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"

	"feedstream/shared/feed"
)

func TestNewRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"no broker", Config{}, "no Kafka broker is set"},
		{"unknown mechanism", Config{Brokers: []string{"a:1"}, SASLMechanism: "GSSAPI", SASLPassword: "hush"},
			`SASL mechanism "GSSAPI" for Kafka is unknown`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := New(test.cfg)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("error = %v, want %q and no password", err, test.want)
			}
		})
	}
}

func TestMechanisms(t *testing.T) {
	for _, name := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		transport, err := Config{Brokers: []string{"a:1"}, SASLMechanism: name, SASLUsername: "u", SASLPassword: "p",
			TLS: true}.transport()
		if err != nil {
			t.Fatal(err)
		}
		if got := transport.SASL.Name(); got != name {
			t.Errorf("mechanism = %s, want %s", got, name)
		}
		if transport.TLS == nil {
			t.Error("no TLS")
		}
	}
}

func TestProduceError(t *testing.T) {
	err := &ProduceError{Brokers: "a:1,b:2", Total: 9, Failures: []Failure{
		{Index: 2, Topic: "feed-records", Partition: 3, Err: kafka.NotLeaderForPartition},
		{Index: 4, Topic: "feed-records", Partition: 3, Err: kafka.NotLeaderForPartition},
		{Index: 5, Topic: "feed-quarantine", Partition: -1, Err: kafka.UnknownTopicOrPartition},
		{Index: 6, Topic: "feed-denied", Partition: -1, Err: kafka.TopicAuthorizationFailed},
	}, Rejected: []feed.SinkRejection{{Index: 7, Reason: "topic feed-records, partition 0: [10] Message Size Too Large"}}}
	for _, want := range []string{"Kafka at a:1,b:2: 5 of 9 messages are not acknowledged", "topic feed-records, partition 3: [6]",
		"topic feed-quarantine: [3]", ": create topic feed-quarantine, or correct the setting that names it",
		"allow the user of KAFKA_SASL_USERNAME to write to topic feed-denied", "1 of them are rejected for good, the first: topic feed-records, partition 0: [10]"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
	if strings.Count(err.Error(), "[6]") != 1 {
		t.Errorf("a partition's cause stands twice in %q", err)
	}
	var rejected *feed.RejectedError
	if errors.As(err, &rejected) {
		t.Error("an error with passing failures claims that only the rejected are missing")
	}
	if !errors.Is(err, kafka.UnknownTopicOrPartition) {
		t.Error("a cause cannot be found in the error")
	}
	if !errors.Is(err, ErrTopicNotFound) || !errors.Is(err, ErrDenied) {
		t.Error("the error is not that of a missing topic and of a denied one")
	}
	err.Failures = err.Failures[:3]
	if !errors.Is(err, ErrTopicNotFound) || errors.Is(err, ErrDenied) {
		t.Error("the error is not that of a missing topic, or one of denied access too")
	}
}

// TestReportOfWhatIsMissing: only when nothing may pass any more is the error that of rejected records.
func TestReportOfWhatIsMissing(t *testing.T) {
	p := &Producer{brokers: "a:1"}
	work := all(make([]Message, 3))
	rejected := []feed.SinkRejection{{Index: 2, Reason: "too large"}, {Index: 0, Reason: "too large"}}
	if err := p.report(outcome{}, 3); err != nil {
		t.Errorf("nothing is missing, and yet: %v", err)
	}
	var forGood *feed.RejectedError
	if err := p.report(outcome{rejected: rejected}, 3); !errors.As(err, &forGood) || forGood.Rejections[0].Index != 0 {
		t.Errorf("error = %v, want the rejections in order", err)
	}
	missing := outcome{rejected: rejected}
	missing.fail(work[1:2], 3, kafka.NotLeaderForPartition)
	var failed *ProduceError
	err := p.report(missing, 3)
	if !errors.As(err, &failed) || len(failed.Failures) != 1 || failed.Failures[0].Index != 1 || len(failed.Rejected) != 2 {
		t.Errorf("error = %#v, want one failure beside two rejections", err)
	}
}
