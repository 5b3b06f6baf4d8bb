package feed_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"feedstream/shared/feed"
)

// What is cut fills its room but for the rest of one character, and is the beginning of what it was.
func TestCutTo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, value := rapid.String().Draw(t, "key"), rapid.String().Draw(t, "value")
		room := rapid.IntRange(-1, 200).Draw(t, "room")
		k, v := feed.CutTo(key, value, room)
		if !strings.HasPrefix(key, k) || !strings.HasPrefix(value, v) || !utf8.ValidString(k) || !utf8.ValidString(v) {
			t.Fatalf("%q, %q are not the beginnings of %q, %q", k, v, key, value)
		}
		if len(k)+len(v) > max(room, 0) {
			t.Fatalf("%d and %d bytes in a room of %d", len(k), len(v), room)
		}
		if whole := len(key) + len(value); len(k)+len(v) < min(whole, room-2*(utf8.UTFMax-1)) {
			t.Fatalf("%d and %d of %d bytes in a room of %d", len(k), len(v), whole, room)
		}
	})
}

func TestWholeOf(t *testing.T) {
	want := feed.Whole{Bytes: 3, SHA256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}
	if got := feed.WholeOf("abc"); got != want {
		t.Errorf("WholeOf = %+v", got)
	}
}
