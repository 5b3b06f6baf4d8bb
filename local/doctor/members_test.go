package doctor

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/stream"
	"feedstream/local/target"
	"feedstream/shared/feed"
)

// Another member of the trigger's group is named with its client and host, and is wrong beside an event stream.
func TestKafkaNamesOtherMembersOfTheGroup(t *testing.T) {
	topics := feed.DefaultTopics()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1),
		kfake.SeedTopics(2, topics.Input, topics.Output, topics.Quarantine, topics.DeadLetter))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	seeds := kgo.SeedBrokers(broker.ListenAddrs()...)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	join := func(id string) *kgo.Client {
		joined := make(chan struct{}, 8)
		c, err := kgo.NewClient(seeds, kgo.ClientID(id), kgo.ConsumerGroup("g"), kgo.ConsumeTopics(topics.Input),
			kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
				if len(parts) > 0 {
					joined <- struct{}{}
				}
			}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		go c.PollFetches(ctx)
		select {
		case <-joined:
		case <-ctx.Done():
			t.Fatalf("%s was assigned nothing", id)
		}
		return c
	}
	look := func() []Finding {
		return slices.DeleteFunc(Kafka(ctx, "b", target.Names{Topics: topics, Group: "g"}, seeds), func(f Finding) bool { return f.Check != "group g" })
	}
	if found := look(); len(found) > 0 {
		t.Errorf("an empty group: %+v", found)
	}
	other := join("kcat")
	if found := look(); len(found) != 1 || !found[0].OK || !strings.Contains(found[0].Detail, `client "kcat"`) {
		t.Errorf("another member alone: %+v", found)
	}
	join(stream.ClientID)
	if found := look(); len(found) != 1 || found[0].OK || !strings.Contains(found[0].Detail, `client "kcat" on host `) ||
		!strings.Contains(found[0].Remedy, "end that program") {
		t.Errorf("another member beside an event stream: %+v", found)
	}
	other.Close()
	if found := look(); len(found) > 0 {
		t.Errorf("an event stream alone: %+v", found)
	}
}
