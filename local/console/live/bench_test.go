package live

import (
	"encoding/json"
	"testing"
	"time"
)

// BenchmarkSecond is what the console costs each second with a page open: a sample, and its event.
func BenchmarkSecond(b *testing.B) {
	status := Status{
		Functions: make([]Function, 4), Verdicts: Verdicts{Enriched: 1e6}, Reference: Reference{Version: "v"},
		Streams: []Stream{{Partitions: make([]Partition, 4)}},
	}
	var s sampler
	now := time.Unix(1, 0)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(Every)
		sample := s.sample(now, &status)
		if _, err := json.Marshal(&sample); err != nil {
			b.Fatal(err)
		}
	}
}
