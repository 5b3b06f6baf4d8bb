package console

import (
	"testing"
	"time"

	"feedstream/local/repair"
	"feedstream/shared/feed"
)

// Each record is in a bar of the picture, however far apart the records are.
func TestBars(t *testing.T) {
	now := time.Date(2026, 11, 30, 2, 0, 0, 0, time.UTC)
	for name, times := range map[string][]time.Time{
		"none":                 nil,
		"one":                  {now},
		"at the same time":     {now, now},
		"a nanosecond apart":   {now, now.Add(1)},
		"a hundred days apart": {now.AddDate(0, 0, -100), now.AddDate(0, 0, -50), now},
		"one of 1970":          {time.Unix(0, 0), now},
		"one without a time":   {{}, now},
		"no order":             {now, {}, now.AddDate(400, 0, 0), time.Unix(0, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			reason := feed.Reason("x")
			var all []repair.Aside
			for _, at := range times {
				all = append(all, repair.Aside{Time: at, Reason: reason})
			}
			drawn := bars(all, []feed.Reason{reason})
			if (len(drawn) > 0) != (len(all) > 0) {
				t.Errorf("%d records make %d bars", len(all), len(drawn))
			}
			for _, b := range drawn {
				if b.X < 0 || b.X+b.Width > pictureWide || b.Y < 0 || b.Height <= 0 {
					t.Errorf("a bar lies beside the picture: %+v", b)
				}
			}
		})
	}
}
