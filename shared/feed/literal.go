package feed

// Wide bounds a Literal, and is how much of it is copied.
const Wide = 32

// Literal is a short text that stands again and again between others. It is copied with what lies behind it,
// always as much, which costs less than to copy just the text. What comes next is written over the rest.
type Literal struct {
	text [Wide]byte
	size int
}

// LiteralOf returns a text of at most Wide bytes as a literal. A longer one is a mistake of the program: it panics.
func LiteralOf(text string) *Literal {
	l := &Literal{size: len(text)}
	if copy(l.text[:], text) < len(text) {
		panic("feed: a literal is too long: " + text)
	}
	return l
}

// Put writes the literal at a place, from which on dst has at least Wide bytes, and returns the place behind it.
func (l *Literal) Put(dst []byte, at int) int {
	*(*[Wide]byte)(dst[at:]) = l.text
	return at + l.size
}

// Repeat writes what dst has at another place once more, and returns the place behind it. There are at least Wide
// bytes from either on.
func Repeat(dst []byte, at, from, size int) int {
	if size <= Wide {
		*(*[Wide]byte)(dst[at:]) = *(*[Wide]byte)(dst[from:])
	} else {
		copy(dst[at:], dst[from:from+size])
	}
	return at + size
}
