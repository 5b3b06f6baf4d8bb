package feed

import (
	"crypto/sha256"
	"encoding/hex"
	"unicode/utf8"
)

// Whole tells of a key or a value of which only the beginning is kept.
type Whole struct {
	Bytes  int
	SHA256 string // hexadecimal
}

// WholeOf describes a text before it is cut.
func WholeOf(text string) Whole {
	sum := sha256.Sum256([]byte(text))
	return Whole{Bytes: len(text), SHA256: hex.EncodeToString(sum[:])}
}

// CutTo returns the beginnings of a key and a value that together take at most room bytes. A key that is
// cut keeps half of the room, or what the value leaves. No character is cut in two.
func CutTo(key, value string, room int) (keptKey, keptValue string) {
	keptKey = beginning(key, max(room/2, room-len(value)))
	return keptKey, beginning(value, room-len(keptKey))
}

func beginning(text string, most int) string {
	if len(text) <= most {
		return text
	}
	end := max(most, 0)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}
