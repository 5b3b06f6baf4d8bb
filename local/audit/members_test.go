package audit

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/stream"
)

// Another member in the group takes records that no function sees: the report names it, and no event stream.
func TestAnotherMemberInTheGroupIsSaid(t *testing.T) {
	t.Parallel()
	w := balancedWorld()
	s := startKafka(t)
	w.write(t, s)
	ctx := testContext(t)
	join := func(id string) {
		assigned := make(chan struct{}, 8)
		c, err := kgo.NewClient(kgo.SeedBrokers(s.Addr()), kgo.ClientID(id),
			kgo.ConsumerGroup(group), kgo.ConsumeTopics(topics.Input),
			kgo.DisableAutoCommit(),
			kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
				if len(parts) > 0 {
					assigned <- struct{}{}
				}
			}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		go c.PollFetches(ctx)
		select {
		case <-assigned:
		case <-ctx.Done():
			t.Fatalf("%s was assigned nothing", id)
		}
	}
	join(stream.ClientID)
	if r := run(t, s, w, "", ""); len(r.OtherMembers) > 0 {
		t.Errorf("the event stream is told of as another member: %+v", r.OtherMembers)
	}
	join("kcat")
	r := run(t, s, w, "", "")
	if !r.Balanced || len(r.OtherMembers) != 1 || r.OtherMembers[0].ClientID != "kcat" || r.OtherMembers[0].Host == "" ||
		len(r.OtherMembers[0].Partitions) != 1 {
		t.Errorf("report = %+v", r)
	}
	named := fmt.Sprintf(`client "kcat" on host %s with partitions`, r.OtherMembers[0].Host)
	if text := rendered(&r); !strings.Contains(text, named) {
		t.Errorf("report:\n%s", text)
	}
}
