package kafka

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// versionRange is the versions of one request that are answered, both ends included.
type versionRange struct{ least, most int16 }

// served are the requests that reach kfake, in the versions it answers. What is not in it ends its connection, as
// with a broker. Telemetry, which kfake knows, is left out: a client that is told of it reports to nobody.
var served = map[kmsg.Key]versionRange{
	kmsg.Produce: {3, 13}, kmsg.Fetch: {4, 18}, kmsg.ListOffsets: {0, 10}, kmsg.Metadata: {0, 13},
	kmsg.OffsetCommit: {0, 10}, kmsg.OffsetFetch: {0, 10}, kmsg.FindCoordinator: {0, 6}, kmsg.JoinGroup: {0, 9},
	kmsg.Heartbeat: {0, 4}, kmsg.LeaveGroup: {0, 5}, kmsg.SyncGroup: {0, 5}, kmsg.DescribeGroups: {0, 6},
	kmsg.ListGroups: {0, 5}, kmsg.SASLHandshake: {1, 1}, kmsg.ApiVersions: {0, 5}, kmsg.CreateTopics: {0, 7},
	kmsg.DeleteTopics: {0, 6}, kmsg.DeleteRecords: {0, 2}, kmsg.InitProducerID: {0, 5},
	kmsg.OffsetForLeaderEpoch: {3, 4}, kmsg.AddPartitionsToTxn: {0, 5}, kmsg.AddOffsetsToTxn: {0, 4},
	kmsg.EndTxn: {0, 5}, kmsg.WriteTxnMarkers: {0, 2}, kmsg.TxnOffsetCommit: {0, 6}, kmsg.DescribeACLs: {0, 3},
	kmsg.CreateACLs: {0, 3}, kmsg.DeleteACLs: {0, 3}, kmsg.DescribeConfigs: {0, 4}, kmsg.AlterConfigs: {0, 2},
	kmsg.AlterReplicaLogDirs: {0, 2}, kmsg.DescribeLogDirs: {0, 5}, kmsg.SASLAuthenticate: {0, 2},
	kmsg.CreatePartitions: {0, 3}, kmsg.DeleteGroups: {0, 3}, kmsg.ElectLeaders: {0, 2},
	kmsg.IncrementalAlterConfigs: {0, 1}, kmsg.AlterPartitionAssignments: {0, 1},
	kmsg.ListPartitionReassignments: {0, 0}, kmsg.OffsetDelete: {0, 0}, kmsg.DescribeClientQuotas: {0, 1},
	kmsg.AlterClientQuotas: {0, 1}, kmsg.DescribeUserSCRAMCredentials: {0, 0},
	kmsg.AlterUserSCRAMCredentials: {0, 0}, kmsg.UpdateFeatures: {0, 2}, kmsg.DescribeCluster: {0, 2},
	kmsg.DescribeProducers: {0, 0}, kmsg.DescribeTransactions: {0, 0}, kmsg.ListTransactions: {0, 2},
	kmsg.ConsumerGroupHeartbeat: {0, 1}, kmsg.ConsumerGroupDescribe: {0, 1}, kmsg.ListConfigResources: {0, 1},
	kmsg.DescribeTopicPartitions: {0, 0}, kmsg.ShareGroupHeartbeat: {0, 1}, kmsg.ShareGroupDescribe: {0, 1},
	kmsg.ShareFetch: {0, 2}, kmsg.ShareAcknowledge: {0, 2}, kmsg.DescribeShareGroupOffsets: {0, 1},
	kmsg.AlterShareGroupOffsets: {0, 0}, kmsg.DeleteShareGroupOffsets: {0, 0},
}

// Unsupported says in short lines what a broker does and this one does not, from the tables it decides by.
func Unsupported() []string {
	var requests []string
	for key := range int16(kmsg.MaxKey + 1) {
		if _, ok := served[kmsg.Key(key)]; !ok && kmsg.RequestForKey(key) != nil {
			requests = append(requests, kmsg.NameForKey(key))
		}
	}
	slices.Sort(requests)
	lines := []string{"requests: " + strings.Join(requests, ", ")}
	for key, answer := range fixedErrors {
		lines = append(lines, fmt.Sprintf("%s: answered %s", kmsg.NameForKey(int16(key)), answer.Message))
	}
	return append(lines,
		"topic settings: "+strings.Join(refusedSettings, ", "),
		"TLS and SASL: plain text only",
		"more than one broker, hence more than one replica of a partition",
	)
}
