package doctor

import (
	"context"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/stream"
)

// members looks at who is in the trigger's group. Beside an event stream of this platform nobody else may be:
// what another takes, no function sees. Where there is none, they are the cloud's own. Who may not ask, or
// finds event streams alone, is told nothing.
func members(ctx context.Context, client *kgo.Client, group, topic string) []Finding {
	all, err := stream.Members(ctx, client, group, topic)
	if err != nil {
		return nil
	}
	var others []string
	for _, m := range stream.Others(all) {
		others = append(others, m.String())
	}
	check, named := "group "+group, strings.Join(others, "; ")
	switch {
	case len(others) == 0:
		return nil
	case len(others) == len(all):
		return []Finding{good(check,
			"in it: %s. That must be the platform's own event stream: what another takes, no function sees", named)}
	}
	return []Finding{bad(check, "end that program, or give it a group of its own",
		"beside the event stream it has %s: what that takes, no function sees", named)}
}
