package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/target"
	"feedstream/shared/feed"
)

// Kafka checks that the brokers answer, that the topics exist, that the topics of set-aside records
// take the largest record of the input, and that output records are kept at least as long as the input
// and never compacted away. It asks those that the functions will ask: the leader of each partition and the
// coordinator of the group, under the addresses that the brokers announce. What a broker may not tell (its
// settings, for want of a permission) is left out.
func Kafka(ctx context.Context, brokers string, feeds target.Names, options ...kgo.Opt) []Finding {
	const check = "Kafka"
	topics, group := feeds.Topics, feeds.Group
	// One that is away is asked again for a while only: its error says more than that time ran out.
	client, err := kgo.NewClient(append(options, kgo.RetryTimeout(3*time.Second))...)
	if err != nil {
		return []Finding{bad(check, remedy(err), "connect to %s: %v", brokers, err)}
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	names := []string{topics.Input, topics.Output, topics.Quarantine, topics.DeadLetter}
	listed, err := admin.ListTopics(ctx, names...)
	if err != nil {
		return []Finding{bad(check, remedy(err), "%s does not answer: %v", brokers, err)}
	}
	findings := []Finding{good(check, "%s answers", brokers)}
	unreachable := announced(ctx, admin, listed, group)
	if findings = append(findings, unreachable...); len(unreachable) == 0 {
		findings = append(findings, members(ctx, client, group, topics.Input)...)
	}
	for _, name := range names {
		findings = append(findings, topic(listed[name], name, topics, brokers))
	}
	findings = append(findings, idleTasks(feeds, len(listed[topics.Input].Partitions))...)
	if settings, err := admin.DescribeTopicConfigs(ctx, names...); err == nil {
		findings = append(findings, limits(settings, topics, brokers)...)
	}
	return findings
}

func remedy(err error) string {
	var untrusted x509.UnknownAuthorityError
	if errors.As(err, &untrusted) {
		return "set KAFKA_CA to the root certificate of the brokers: its PEM text, or the path of a file"
	}
	return "start the brokers, or correct KAFKA_BROKERS, KAFKA_TLS and KAFKA_SASL_*"
}

// announced looks at the brokers behind the addresses that they announce.
func announced(ctx context.Context, admin *kadm.Client, listed kadm.TopicDetails, group string) (findings []Finding) {
	const mend = "this machine must reach the brokers under the addresses that they announce (advertised.listeners)"
	listed.EachError(func(d kadm.TopicDetail) { delete(listed, d.Topic) }) // told of apart
	ends, err := admin.ListEndOffsets(ctx, listed.Names()...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil && len(listed) > 0 {
		findings = append(findings, bad("leaders of the topics", mend, "%v", err))
	}
	if err := coordinated(ctx, admin, group); err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		findings = append(findings, bad("coordinator of group "+group, mend, "%v", err))
	}
	return findings
}

// firstGroup is how long brokers that never had a group may take to make the topic of its offsets, which they do when
// they are first asked who coordinates it.
const firstGroup = 20 * time.Second

// coordinated asks the group's coordinator for its offsets.
func coordinated(ctx context.Context, admin *kadm.Client, group string) error {
	for began := time.Now(); ; {
		_, err := admin.FetchOffsets(ctx, group)
		making := errors.Is(err, kerr.CoordinatorNotAvailable) || errors.Is(err, kerr.CoordinatorLoadInProgress)
		if !making || time.Since(began) > firstGroup {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func topic(found kadm.TopicDetail, name string, topics feed.Topics, brokers string) Finding {
	check := "topic " + name
	if found.Err != nil || len(found.Partitions) == 0 {
		partitions, settings := 4, ""
		if name == topics.Quarantine || name == topics.DeadLetter {
			partitions, settings = 1, fmt.Sprintf(" --config max.message.bytes=%d", feed.MaxInputBytes+feed.SetAsideRoom)
		}
		return bad(check, fmt.Sprintf("kafka-topics.sh --create --topic %s --partitions %d%s --bootstrap-server %s", name, partitions, settings, brokers),
			"it is not there: %v", found.Err)
	}
	for _, p := range found.Partitions.Sorted() {
		if p.Err != nil {
			return bad(check, "bring back the brokers that hold it", "partition %d: %v", p.Partition, p.Err)
		}
	}
	if len(found.Partitions) == 1 {
		return good(check, "1 partition")
	}
	return good(check, "%d partitions", len(found.Partitions))
}

// idleTasks finds more readers in the event stream than there is to read: each is billed, none of them is used.
func idleTasks(feeds target.Names, partitions int) []Finding {
	if partitions == 0 || feeds.Tasks <= partitions {
		return nil
	}
	return []Finding{bad("topic "+feeds.Topics.Input, fmt.Sprintf("write maximumTasks: %d, or give the topic more partitions", partitions),
		"the event stream has %d tasks for %d partitions", feeds.Tasks, partitions)}
}

// limits compares the settings of the topics with those of the input.
func limits(described kadm.ResourceConfigs, topics feed.Topics, brokers string) []Finding {
	settings := map[string]map[string]string{}
	for _, resource := range described {
		if resource.Err != nil {
			continue
		}
		settings[resource.Name] = map[string]string{}
		for _, c := range resource.Configs {
			settings[resource.Name][c.Key] = c.MaybeValue()
		}
	}
	var findings []Finding
	alter := func(name, key, value string) string {
		return fmt.Sprintf("kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config %s=%s --bootstrap-server %s", name, key, value, brokers)
	}
	input := settings[topics.Input]
	for _, name := range []string{topics.Quarantine, topics.DeadLetter} {
		most, known := number(settings[name], "max.message.bytes")
		largest, inputKnown := number(input, "max.message.bytes")
		if known && inputKnown && most < largest+feed.SetAsideRoom {
			findings = append(findings, bad("topic "+name, alter(name, "max.message.bytes", strconv.FormatInt(largest+feed.SetAsideRoom, 10)),
				"it takes records of %d bytes, the input topic of %d: what carries one must be %d larger", most, largest, feed.SetAsideRoom))
		}
	}
	output := settings[topics.Output]
	if policy := output["cleanup.policy"]; policy != "" && policy != "delete" {
		findings = append(findings, bad("topic "+topics.Output, alter(topics.Output, "cleanup.policy", "delete"),
			"cleanup.policy is %s: an event log must keep every record", policy))
	}
	kept, known := number(output, "retention.ms")
	inputKept, inputKnown := number(input, "retention.ms")
	if known && inputKnown && kept >= 0 && (inputKept < 0 || kept < inputKept) {
		findings = append(findings, bad("topic "+topics.Output, alter(topics.Output, "retention.ms", strconv.FormatInt(inputKept, 10)),
			"it keeps records for %d ms, the input topic for %d: the audit needs them as long", kept, inputKept))
	}
	return findings
}

func number(settings map[string]string, key string) (int64, bool) {
	n, err := strconv.ParseInt(settings[key], 10, 64)
	return n, err == nil
}
