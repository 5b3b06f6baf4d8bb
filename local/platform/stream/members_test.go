package stream

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Another member of the group is told of once, another event stream never.
func TestAnotherMemberIsTold(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	s, _ := b.start(t, accept)
	count := func() int {
		s.lookAtGroup(t.Context())
		return strings.Count(b.log.String(), "another member")
	}
	other := b.connect(t, kgo.ClientID("kcat"), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("in"))
	again, end := b.start(t, accept)
	eventually(t, "three members", func() bool {
		members, err := Members(t.Context(), b.client, "g", "in")
		return err == nil && len(members) == 3
	})
	if n := count(); n != 1 || !strings.Contains(b.log.String(), `client \"kcat\" on host`) {
		t.Errorf("%d lines, want one that names the client:\n%s", n, b.log.String())
	}
	again.lookAtGroup(t.Context()) // which tells of it too, in its own name
	end()
	if n := count(); n != 2 {
		t.Errorf("%d lines, want one of each stream:\n%s", n, b.log.String())
	}
	other.Close()
	eventually(t, "the member's end", func() bool {
		s.lookAtGroup(t.Context())
		return s.company.Load() == ""
	})
	if n := count(); n != 2 {
		t.Errorf("%d lines after it went:\n%s", n, b.log.String())
	}
}
