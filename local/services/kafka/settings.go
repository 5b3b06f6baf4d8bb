package kafka

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

// topicSettings are the settings a topic may be given, each with what its value may be. Those that kfake does not
// look at change no answer: they say how a log lies on a disk, or who copies it.
var topicSettings = map[string]func(value string) bool{
	"cleanup.policy":         listOf("compact", "delete"),
	"compression.type":       oneOf("uncompressed", "gzip", "snappy", "lz4", "zstd", "producer"),
	"delete.retention.ms":    atLeast(0),
	"max.message.bytes":      atLeast(0),
	"message.timestamp.type": oneOf("CreateTime", "LogAppendTime"),
	"min.insync.replicas":    atLeast(1),
	"retention.bytes":        atLeast(-1),
	"retention.ms":           atLeast(-1),
	"segment.bytes":          atLeast(14),
	"segment.ms":             atLeast(1),

	"file.delete.delay.ms": atLeast(0),
	"flush.messages":       atLeast(1),
	"flush.ms":             atLeast(0),
	"follower.replication.throttled.replicas": anything,
	"index.interval.bytes":                    atLeast(0),
	"leader.replication.throttled.replicas":   anything,
	"max.compaction.lag.ms":                   atLeast(1),
	"message.downconversion.enable":           oneOf("true", "false"),
	"min.cleanable.dirty.ratio":               fraction,
	"min.compaction.lag.ms":                   atLeast(0),
	"preallocate":                             oneOf("true", "false"),
	"segment.index.bytes":                     atLeast(4),
	"segment.jitter.ms":                       atLeast(0),
	"unclean.leader.election.enable":          oneOf("true", "false"),
}

// refusedSettings are a broker's, and what they ask for is not done here.
var refusedSettings = []string{
	"compression.gzip.level", "compression.lz4.level", "compression.zstd.level",
	"local.retention.bytes", "local.retention.ms",
	"message.timestamp.after.max.ms", "message.timestamp.before.max.ms", "message.timestamp.difference.max.ms",
	"remote.copy.disable", "remote.log.delete.on.disable", "remote.storage.enable",
}

// refuseSetting judges a topic's setting; a nil value takes the setting back.
func refuseSetting(name string, value *string) *refusal {
	check, known := topicSettings[name]
	switch {
	case slices.Contains(refusedSettings, name):
		return &refusal{kerr.InvalidConfig, fmt.Sprintf("the embedded broker does not do what %s asks for", name)}
	case !known:
		return &refusal{kerr.InvalidConfig, fmt.Sprintf("%.100q is no setting of a topic: it has %s",
			name, strings.Join(slices.Sorted(maps.Keys(topicSettings)), ", "))}
	case value != nil && !check(*value):
		return &refusal{kerr.InvalidConfig, fmt.Sprintf("%s cannot be %.100q", name, *value)}
	}
	return nil
}

func anything(string) bool { return true }

func atLeast(least int64) func(string) bool {
	return func(value string) bool {
		n, err := strconv.ParseInt(value, 10, 64)
		return err == nil && n >= least
	}
}

func fraction(value string) bool {
	f, err := strconv.ParseFloat(value, 64)
	return err == nil && f >= 0 && f <= 1
}

func oneOf(values ...string) func(string) bool {
	return func(value string) bool { return slices.Contains(values, value) }
}

func listOf(values ...string) func(string) bool {
	return func(value string) bool {
		for item := range strings.SplitSeq(value, ",") {
			if !slices.Contains(values, strings.TrimSpace(item)) {
				return false
			}
		}
		return true
	}
}
