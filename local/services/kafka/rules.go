package kafka

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// rules are what a broker does about a request and kfake does not.
type rules map[kmsg.Key]rule

// rule takes out of a request what a broker refuses, and says whether it changed it. The function it returns, if any,
// completes kfake's answer to what is left.
type rule func(kmsg.Request) (complete func(kmsg.Response), changed bool)

// brokerRules are those that need no state.
func brokerRules() rules {
	all := rules{
		kmsg.Produce:                 ruled(refuseBatches),
		kmsg.Fetch:                   boundFetch,
		kmsg.CreateTopics:            ruled(refuseTopics),
		kmsg.CreatePartitions:        ruled(refusePartitions),
		kmsg.AlterConfigs:            ruled(refuseConfigs),
		kmsg.IncrementalAlterConfigs: ruled(refuseConfigChanges),
		kmsg.ApiVersions:             announce,
		kmsg.DescribeTopicPartitions: completing(func(answer *kmsg.DescribeTopicPartitionsResponse) {
			for i := range answer.Topics {
				for j := range answer.Topics[i].Partitions {
					p := &answer.Topics[i].Partitions[j]
					p.EligibleLeaderReplicas, p.LastKnownELR = present(p.EligibleLeaderReplicas), present(p.LastKnownELR)
				}
			}
		}),
		kmsg.DescribeClientQuotas: completing(func(answer *kmsg.DescribeClientQuotasResponse) {
			answer.Entries = present(answer.Entries)
		}),
	}
	for key, answer := range fixedErrors {
		all[key] = completing(func(handshake *kmsg.SASLHandshakeResponse) {
			handshake.ErrorCode, handshake.SupportedMechanisms = answer.Code, nil
		})
	}
	return all
}

// fixedErrors are requests that a broker without the feature answers always alike.
var fixedErrors = map[kmsg.Key]*kerr.Error{kmsg.SASLHandshake: kerr.IllegalSaslState}

// ruled makes a rule of a function that knows its request and answer.
func ruled[Q, A any](refuse func(*Q) (complete func(*A), changed bool)) rule {
	return func(request kmsg.Request) (func(kmsg.Response), bool) {
		complete, changed := refuse(any(request).(*Q))
		if complete == nil {
			return nil, changed
		}
		return func(answer kmsg.Response) { complete(any(answer).(*A)) }, changed
	}
}

// completing makes a rule that only has to do with the answer.
func completing[A any](complete func(*A)) rule {
	return func(kmsg.Request) (func(kmsg.Response), bool) {
		return func(answer kmsg.Response) { complete(any(answer).(*A)) }, false
	}
}

// present is an array as brokers send it: empty instead of null, which the Java clients do not survive.
func present[T any](array []T) []T {
	if array == nil {
		return []T{}
	}
	return array
}

// announce keeps what is not served out of the list of requests. A request that is newer than this broker is handed
// on without its content, which may be of a form not known here.
func announce(request kmsg.Request) (func(kmsg.Response), bool) {
	if request.GetVersion() > served[kmsg.ApiVersions].most {
		return nil, true
	}
	return func(answer kmsg.Response) {
		versions := answer.(*kmsg.ApiVersionsResponse)
		versions.ApiKeys = slices.DeleteFunc(versions.ApiKeys, func(k kmsg.ApiVersionsResponseApiKey) bool {
			_, ok := served[kmsg.Key(k.ApiKey)]
			return !ok
		})
	}, false
}

// mostFetched is fetch.max.bytes of a broker: its answers hold no more, whatever a client would take.
const mostFetched = 55 << 20

func boundFetch(request kmsg.Request) (func(kmsg.Response), bool) {
	fetch := request.(*kmsg.FetchRequest)
	if fetch.MaxBytes <= mostFetched {
		return nil, false
	}
	fetch.MaxBytes = mostFetched
	return nil, true
}

// mostPartitions is how many partitions one request may ask for, as in Kafka's controller.
const mostPartitions = 10_000

// topicName is the form of a topic's name; "." and ".." have it and are none.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// refusal is why a part of a request is not done.
type refusal struct {
	code   *kerr.Error
	reason string
}

// refuseTopics takes out the topics that a broker would not create, and completes the answer for the others.
func refuseTopics(request *kmsg.CreateTopicsRequest) (func(*kmsg.CreateTopicsResponse), bool) {
	var refused []kmsg.CreateTopicsResponseTopic
	asked := 0
	request.Topics = slices.DeleteFunc(request.Topics, func(t kmsg.CreateTopicsRequestTopic) bool {
		asked += max(int(t.NumPartitions), len(t.ReplicaAssignment), 1)
		why := refuseTopic(t)
		if why == nil && asked > mostPartitions {
			why = &refusal{kerr.PolicyViolation, fmt.Sprintf("one request may ask for %d partitions", mostPartitions)}
		}
		if why == nil {
			return false
		}
		answer := kmsg.NewCreateTopicsResponseTopic()
		answer.Topic, answer.ErrorCode, answer.ErrorMessage = t.Topic, why.code.Code, &why.reason
		answer.NumPartitions, answer.ReplicationFactor = -1, -1
		refused = append(refused, answer)
		return true
	})
	return func(answer *kmsg.CreateTopicsResponse) {
		answer.Topics = append(answer.Topics, refused...)
		for i := range answer.Topics {
			configs := present(answer.Topics[i].Configs)
			for j := range configs {
				configs[j].Source = int8(kmsg.ConfigSourceDynamicTopicConfig)
			}
			answer.Topics[i].Configs = configs
		}
	}, len(refused) > 0
}

func refuseTopic(t kmsg.CreateTopicsRequestTopic) *refusal {
	switch {
	case !topicName.MatchString(t.Topic) || t.Topic == "." || t.Topic == "..":
		return &refusal{kerr.InvalidTopicException,
			fmt.Sprintf("%.300q is no topic name: it has 1 to 249 of a-z A-Z 0-9 . _ -", t.Topic)}
	case len(t.ReplicaAssignment) > 0:
	case t.NumPartitions == 0 || t.NumPartitions < -1:
		return &refusal{kerr.InvalidPartitions, fmt.Sprintf("a topic cannot have %d partitions", t.NumPartitions)}
	case t.ReplicationFactor == 0 || t.ReplicationFactor < -1:
		return &refusal{kerr.InvalidReplicationFactor, fmt.Sprintf("%d replicas are none", t.ReplicationFactor)}
	}
	for _, c := range t.Configs {
		if why := refuseSetting(c.Name, c.Value); why != nil {
			return why
		}
	}
	return nil
}

// refusePartitions takes out what would grow without bound.
func refusePartitions(request *kmsg.CreatePartitionsRequest) (func(*kmsg.CreatePartitionsResponse), bool) {
	var refused []kmsg.CreatePartitionsResponseTopic
	request.Topics = slices.DeleteFunc(request.Topics, func(t kmsg.CreatePartitionsRequestTopic) bool {
		if t.Count <= mostPartitions {
			return false
		}
		answer := kmsg.NewCreatePartitionsResponseTopic()
		answer.Topic, answer.ErrorCode = t.Topic, kerr.InvalidPartitions.Code
		answer.ErrorMessage = kmsg.StringPtr(fmt.Sprintf("a topic here has at most %d partitions", mostPartitions))
		refused = append(refused, answer)
		return true
	})
	if refused == nil {
		return nil, false
	}
	return func(answer *kmsg.CreatePartitionsResponse) { answer.Topics = append(answer.Topics, refused...) }, true
}

// refuseConfigs takes out topics that are to be given settings they cannot have.
func refuseConfigs(request *kmsg.AlterConfigsRequest) (func(*kmsg.AlterConfigsResponse), bool) {
	var refused []kmsg.AlterConfigsResponseResource
	request.Resources = slices.DeleteFunc(request.Resources, func(r kmsg.AlterConfigsRequestResource) bool {
		if r.ResourceType != kmsg.ConfigResourceTypeTopic {
			return false
		}
		for _, c := range r.Configs {
			if why := refuseSetting(c.Name, c.Value); why != nil {
				answer := kmsg.NewAlterConfigsResponseResource()
				answer.ErrorCode, answer.ErrorMessage = why.code.Code, &why.reason
				answer.ResourceType, answer.ResourceName = r.ResourceType, r.ResourceName
				refused = append(refused, answer)
				return true
			}
		}
		return false
	})
	if refused == nil {
		return nil, false
	}
	return func(answer *kmsg.AlterConfigsResponse) { answer.Resources = append(answer.Resources, refused...) }, true
}

// refuseConfigChanges is refuseConfigs for single changes.
func refuseConfigChanges(
	request *kmsg.IncrementalAlterConfigsRequest,
) (func(*kmsg.IncrementalAlterConfigsResponse), bool) {
	var refused []kmsg.IncrementalAlterConfigsResponseResource
	request.Resources = slices.DeleteFunc(request.Resources, func(r kmsg.IncrementalAlterConfigsRequestResource) bool {
		if r.ResourceType != kmsg.ConfigResourceTypeTopic {
			return false
		}
		for _, c := range r.Configs {
			value := c.Value
			if c.Op != kmsg.IncrementalAlterConfigOpSet {
				value = nil
			}
			if why := refuseSetting(c.Name, value); why != nil {
				answer := kmsg.NewIncrementalAlterConfigsResponseResource()
				answer.ErrorCode, answer.ErrorMessage = why.code.Code, &why.reason
				answer.ResourceType, answer.ResourceName = r.ResourceType, r.ResourceName
				refused = append(refused, answer)
				return true
			}
		}
		return false
	})
	if refused == nil {
		return nil, false
	}
	return func(answer *kmsg.IncrementalAlterConfigsResponse) {
		answer.Resources = append(answer.Resources, refused...)
	}, true
}

// refuseBatches takes out the batches that are not what they say.
func refuseBatches(request *kmsg.ProduceRequest) (func(*kmsg.ProduceResponse), bool) {
	var refused []kmsg.ProduceResponseTopic
	kept := request.Topics[:0]
	for _, t := range request.Topics {
		answer := kmsg.NewProduceResponseTopic()
		answer.Topic, answer.TopicID = t.Topic, t.TopicID
		t.Partitions = slices.DeleteFunc(t.Partitions, func(p kmsg.ProduceRequestTopicPartition) bool {
			why := refuseBatch(p.Records)
			if why != nil {
				partition := kmsg.NewProduceResponseTopicPartition()
				partition.Partition, partition.BaseOffset = p.Partition, -1
				partition.ErrorCode, partition.ErrorMessage = why.code.Code, &why.reason
				answer.Partitions = append(answer.Partitions, partition)
			}
			return why != nil
		})
		if len(answer.Partitions) > 0 {
			refused = append(refused, answer)
		}
		if len(t.Partitions) > 0 {
			kept = append(kept, t)
		}
	}
	request.Topics = kept
	if refused == nil {
		return nil, false
	}
	return func(answer *kmsg.ProduceResponse) {
		for _, t := range refused {
			i := slices.IndexFunc(answer.Topics, func(a kmsg.ProduceResponseTopic) bool {
				return a.Topic == t.Topic && a.TopicID == t.TopicID
			})
			if i < 0 {
				answer.Topics = append(answer.Topics, t)
				continue
			}
			answer.Topics[i].Partitions = append(answer.Topics[i].Partitions, t.Partitions...)
		}
	}, true
}
