package stream

import (
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ClientID is what an event stream calls itself before the brokers.
const ClientID = "feedstream-event-stream"

// Member is a member of a consumer group, as its coordinator tells.
type Member struct {
	ClientID   string  `json:"clientId"`
	Host       string  `json:"host"`
	Partitions []int32 `json:"partitions"` // of the stream's topic, that it was given
}

// OfEventStream says that it is an event stream of this platform, here or on another machine.
func (m Member) OfEventStream() bool { return m.ClientID == ClientID }

// String names the member as an operator looks for it.
func (m Member) String() string {
	held := "without a partition"
	if len(m.Partitions) > 0 {
		held = "with partitions " + strings.Trim(strings.ReplaceAll(fmt.Sprint(m.Partitions), " ", ", "), "[]")
	}
	return fmt.Sprintf("client %q on host %s %s", m.ClientID, m.Host, held)
}

// Others are the members that are no event streams of this platform.
func Others(members []Member) (others []Member) {
	for _, m := range members {
		if !m.OfEventStream() {
			others = append(others, m)
		}
	}
	return others
}

// Members asks for the members of a group and what each of them holds of a topic. A group that nobody knows
// has none.
func Members(ctx context.Context, client *kgo.Client, group, topic string) ([]Member, error) {
	described, err := kadm.NewClient(client).DescribeGroups(ctx, group)
	if err == nil {
		err = described.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the members of group %s: %w", group, err)
	}
	var members []Member
	for _, found := range described[group].Members {
		m := Member{ClientID: found.ClientID, Host: strings.TrimPrefix(found.ClientHost, "/")}
		if assigned, ok := found.Assigned.AsConsumer(); ok {
			for _, t := range assigned.Topics {
				if t.Topic == topic {
					m.Partitions = append(m.Partitions, t.Partitions...)
				}
			}
		}
		members = append(members, m)
	}
	return members, nil
}

// lookAtGroup tells of other members when they come: their partitions stand still here, or go on without a
// push, and nothing else shows it.
func (s *Stream) lookAtGroup(ctx context.Context) {
	members, err := Members(ctx, s.client, s.declared.Group, s.declared.Topic)
	if err != nil {
		return // the stream's own work tells of what does not answer
	}
	var who, names []string // what a member holds changes while it settles in, who it is does not
	for _, m := range Others(members) {
		who = append(who, m.ClientID+" "+m.Host)
		names = append(names, m.String())
	}
	company, named := strings.Join(who, "; "), strings.Join(names, "; ")
	if s.company.Swap(company) != any(company) && company != "" {
		s.cfg.Logger.Warn("event stream: another member is in its group: what it takes, no function sees; "+
			"end it, or give it a group of its own",
			"function", s.cfg.Function, "group", s.declared.Group, "member", named)
	}
}
