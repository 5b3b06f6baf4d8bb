package audit

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

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
