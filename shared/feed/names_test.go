package feed_test

import (
	"testing"

	"pgregory.net/rapid"

	"feedstream/shared/feed"
)

func TestOriginRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := feed.Origin{
			Topic:     rapid.StringMatching(`[a-zA-Z0-9._-]{1,249}`).Draw(t, "topic"),
			Partition: rapid.IntRange(0, 1<<31-1).Draw(t, "partition"),
			Offset:    rapid.Int64Min(0).Draw(t, "offset"),
		}
		if got, err := feed.ParseOrigin(want.String()); err != nil || got != want {
			t.Errorf("ParseOrigin(%s) = %v, %v", want, got, err)
		}
	})
	for _, id := range []string{"", "t", "t/1", "t/1/2/3", "/1/2", "t/x/2", "t/1/x", "t/-1/2", "t/1/-2"} {
		if got, err := feed.ParseOrigin(id); err == nil {
			t.Errorf("ParseOrigin(%q) = %v, want an error", id, got)
		}
	}
}
