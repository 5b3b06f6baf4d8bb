package audit

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The head of a partition was purged: its records are no longer looked for, and their verdicts are no strays.
func TestPurgedHead(t *testing.T) {
	t.Parallel()
	w := balancedWorld()
	s := startKafka(t)
	w.write(t, s)
	client, err := Kafka{Brokers: []string{s.Addr()}}.ask()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	purge := kadm.Offsets{}
	purge.Add(kadm.Offset{Topic: topics.Input, Partition: 0, At: 8})
	purge.Add(kadm.Offset{Topic: topics.Input, Partition: 1, At: 5}) // all of it
	deleted, err := kadm.NewClient(client).DeleteRecords(testContext(t), purge)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	if r := run(t, s, w, "", ""); !r.Balanced || r.Published != 2 || r.DeadLettered != 1 || r.Pending != 1 {
		t.Errorf("report = %+v", r)
	}
	w.deadLetter(deadLetter(1, 5))
	produce(t, s, w.out[len(w.out)-1])
	if r := run(t, s, w, "", ""); r.Balanced || r.Strays != 1 {
		t.Errorf("with a verdict behind the end of an emptied partition: report = %+v", r)
	}
}

// Compaction left nothing up to the end of the partition, and the broker answers every fetch with nothing:
// the read ends, as there is nothing to wait for.
func TestReadEndsBehindACompactedHole(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topics.Input))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	cluster.ControlKey(int16(kmsg.Fetch), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		response := request.ResponseKind().(*kmsg.FetchResponse)
		response.Version = request.GetVersion()
		for _, topic := range request.(*kmsg.FetchRequest).Topics {
			answer, partition := kmsg.NewFetchResponseTopic(), kmsg.NewFetchResponseTopicPartition()
			answer.Topic, answer.TopicID = topic.Topic, topic.TopicID
			partition.HighWatermark = 7
			answer.Partitions = append(answer.Partitions, partition)
			response.Topics = append(response.Topics, answer)
		}
		return response, nil, true
	})
	k := Kafka{Brokers: cluster.ListenAddrs()}
	records := 0
	err = k.read(testContext(t), topics.Input, map[int]stretch{0: {2, 7}}, func(batch []*kgo.Record) error {
		records += len(batch)
		return nil
	})
	if err != nil || records != 0 {
		t.Errorf("%d records, %v", records, err)
	}
}
