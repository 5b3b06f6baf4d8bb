package feed

import "math/bits"

// Texts are looked at eight bytes at a time, as nearly all are plain from one end to the other: printable ASCII in
// which nothing is escaped.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// load returns the eight bytes at i, the first one lowest.
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

// special marks bytes of a word that are below a blank, above ASCII, or one of two others, by their highest bit. The
// lowest mark stands at the first such byte; what is above it may be a borrow.
func special(w uint64, one, other byte) uint64 {
	return ((w - ones*' ') | ((w ^ ones*uint64(one)) - ones) | ((w ^ ones*uint64(other)) - ones) | w) & highs
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

// PlainEnd returns the index of the quote that ends the JSON string which goes on at i, and -1 when the string is
// not plain: it has an escape in it, a control character or a byte above ASCII, or it does not end.
func PlainEnd(text string, i int) int {
	for ; i+8 <= len(text); i += 8 {
		if marks := special(load(text, i), '"', '\\'); marks != 0 {
			i += bits.TrailingZeros64(marks) / 8
			if text[i] != '"' {
				return -1
			}
			return i
		}
	}
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return i
		case c < ' ' || c == '\\' || c >= 0x80:
			return -1
		}
	}
	return -1
}

// PlainInteger reads the JSON integer at i, when it has no sign and at most 18 digits, and returns the index behind
// its digits. That is i when there is no such number.
func PlainInteger(text string, i int) (number int64, end int) {
	const most = 18
	end = i
	if end+8 <= len(text) {
		digits := load(text, end) ^ ones*'0'
		if ((digits+ones*(0x7f-9))|digits)&highs == 0 { // none is more than 9
			number, end = joined(digits), end+8
		}
	}
	for ; end < len(text) && end-i <= most; end++ {
		digit := text[end] - '0'
		if digit > 9 {
			break
		}
		number = number*10 + int64(digit)
	}
	if end-i > most || end-i > 1 && text[i] == '0' {
		return 0, i
	}
	return number, end
}

// joined returns the number that eight digits are, of which each is a byte and the first one is lowest: digits
// beside each other become pairs, pairs fours, and these eight.
func joined(digits uint64) int64 {
	digits = (digits*10 + digits>>8) & 0x00ff00ff00ff00ff
	digits = (digits*100 + digits>>16) & 0x0000ffff0000ffff
	return int64((digits*10_000 + digits>>32) & 0xffffffff)
}
