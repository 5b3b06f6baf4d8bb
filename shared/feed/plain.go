package feed

// Texts are looked at eight bytes at a time, as nearly all are plain from one end to the other.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// load returns the eight bytes at i.
func load(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// half returns the four bytes at i.
func half(s string, i int) uint64 {
	s = s[i : i+4]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

// special marks bytes of a word that are below a blank, above ASCII, or one of two others. There are marks only if
// there are such bytes, though not all marks stand at them.
func special(w uint64, one, other byte) uint64 {
	a, b := w^(ones*uint64(one)), w^(ones*uint64(other))
	return (((w - ones*' ') &^ w) | ((a - ones) &^ a) | ((b - ones) &^ b) | w) & highs
}

// without reports whether a text is of printable ASCII and DEL alone and has neither of two bytes in it.
func without(s string, one, other byte) bool {
	if len(s) >= 4 && len(s) < 8 {
		return special(half(s, 0)|half(s, len(s)-4)<<32, one, other) == 0
	}
	if len(s) < 4 {
		for i := range len(s) {
			if c := s[i]; c < ' ' || c >= 0x80 || c == one || c == other {
				return false
			}
		}
		return true
	}
	marks := special(load(s, len(s)-8), one, other) // the last ones, some of them twice
	for i := 0; i+8 < len(s); i += 8 {
		marks |= special(load(s, i), one, other)
	}
	return marks == 0
}
