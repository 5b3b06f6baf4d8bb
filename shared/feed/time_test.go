package feed

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTimesAreThoseOfTheStandardLibrary looks at every day of some four hundred years, and at times drawn from all.
func TestTimesAreThoseOfTheStandardLibrary(t *testing.T) {
	check := func(ms int64) (got, want string) {
		return FormatTime(ms), time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	for day := int64(0); day < 150_000; day++ {
		if got, want := check(day*dayMillis + day%dayMillis); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		if got, want := check(rapid.Int64Range(-1e12, 3e14).Draw(t, "ms")); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

func BenchmarkAppendTime(b *testing.B) {
	var text []byte
	for b.Loop() {
		text = AppendTime(text[:0], 1605760851123)
	}
}
