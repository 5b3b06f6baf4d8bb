package shared_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"feedstream/local/platform/stream"
	"feedstream/local/services/kafka"
	"feedstream/shared/config"
	"feedstream/shared/feed"
)

// TestDefaultsOfTheConfigurationAreTheNamesOfTheFeed: the tags of a config struct cannot name a constant.
func TestDefaultsOfTheConfigurationAreTheNamesOfTheFeed(t *testing.T) {
	var cfg struct {
		HBase config.HBase
		OSS   config.OSS
		Mongo config.Mongo
	}
	err := config.Load(&cfg, []string{"HBASE_ZOOKEEPER=a:1", "OSS_ENDPOINT=a", "OSS_REGION=b", "MONGODB_URI=mongodb://a"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{feed.DefaultTable, feed.DefaultIndex, feed.DefaultBucket, feed.DefaultPrefix, feed.DefaultDatabase, feed.DefaultCollection}
	got := []string{cfg.HBase.Table, cfg.HBase.Index, cfg.OSS.Bucket, string(cfg.OSS.Prefix), cfg.Mongo.Database, cfg.Mongo.Collection}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-feed +config):\n%s", diff)
	}
}

// TestEmbeddedTopicsHaveTheRoomOfTheFeed: the embedded broker shares no code with the functions, so its
// sizes are written there again.
func TestEmbeddedTopicsHaveTheRoomOfTheFeed(t *testing.T) {
	if kafka.MaxInputBytes != feed.MaxInputBytes || kafka.SetAsideRoom != feed.SetAsideRoom {
		t.Errorf("the embedded broker takes %d bytes and %d more for what is set aside, the feed means %d and %d",
			kafka.MaxInputBytes, kafka.SetAsideRoom, feed.MaxInputBytes, feed.SetAsideRoom)
	}
}

// TestDeadLettersAreCutAsTheQuarantineIs: the platform shares no code with the functions either.
func TestDeadLettersAreCutAsTheQuarantineIs(t *testing.T) {
	want := []any{feed.HeaderValueForm, string(feed.Cut), feed.HeaderValueBytes, feed.HeaderValueSHA256, feed.HeaderKeyBytes,
		feed.HeaderKeySHA256, feed.HeaderOriginTopic, feed.HeaderOriginPartition, feed.HeaderOriginOffset,
		feed.HeaderOriginTimestamp, feed.HeaderRedrives, feed.MaxSetAsideBytes}
	got := []any{stream.HeaderValueForm, stream.FormCut, stream.HeaderValueBytes, stream.HeaderValueSHA256, stream.HeaderKeyBytes,
		stream.HeaderKeySHA256, stream.HeaderOriginTopic, stream.HeaderOriginPartition, stream.HeaderOriginOffset,
		stream.HeaderOriginTimestamp, stream.HeaderRedrives, stream.MaxLetterBytes}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-feed +platform):\n%s", diff)
	}
}
