// Package form holds the bytes of a request against the form of its kind before they are decoded. The decoder makes
// room for as many elements as an array claims, and counts to as many tags as a request claims, however few bytes
// there are: a request of twenty bytes may claim four thousand million. What passes here is as long as it says.
package form

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// kind is how a part of a request is written.
type kind int

const (
	fixed    kind = iota // size bytes
	text                 // a length, then as many bytes; nullable
	data                 // the same with a longer length in older versions
	array                // a length, then elements
	optional             // a byte, -1 for none, then the parts
	tags                 // a number, then keys with their values
)

// part is one part of a request.
type part struct {
	kind  kind
	size  int
	parts []part            // of an element, or of what is optional
	known map[uint32][]part // tags that have parts of their own
}

// errShort is the one thing that may be wrong: less came than was announced.
var errShort = errors.New("it says that it holds more than it does")

// Elements counts the elements of all arrays of a request's content, the request telling its kind and version. It
// makes room for none of them. Its error says that the content is shorter than it claims; content that goes on
// behind its end is no error.
func Elements(request kmsg.Request, content []byte) (int, error) {
	w := walk{rest: content, flexible: request.IsFlexible()}
	w.parts(partsOf(request))
	if w.short {
		return 0, errShort
	}
	return w.elements, nil
}

// SkipTags passes over the tags of a request's header.
func SkipTags(content []byte) ([]byte, error) {
	w := walk{rest: content}
	w.tags(nil)
	if w.short {
		return nil, fmt.Errorf("its header: %w", errShort)
	}
	return w.rest, nil
}

// walk goes through content. Once it is short, nothing is left.
type walk struct {
	rest     []byte
	flexible bool
	short    bool
	elements int
}

func (w *walk) parts(parts []part) {
	for i := range parts {
		if w.short {
			return
		}
		w.part(&parts[i])
	}
}

func (w *walk) part(p *part) {
	switch p.kind {
	case fixed:
		w.skip(uint64(p.size))
	case text:
		w.skip(w.length(2))
	case data:
		w.skip(w.length(4))
	case optional:
		if there := w.skip(1); len(there) == 1 && int8(there[0]) != -1 {
			w.parts(p.parts)
		}
	case tags:
		w.tags(p.known)
	case array:
		for n := w.length(4); n > 0 && !w.short; n-- {
			w.elements++
			w.parts(p.parts)
		}
	}
}

// tags passes over a number of tags. Each takes two bytes at least, so that the end of the bytes ends it.
func (w *walk) tags(known map[uint32][]part) {
	for n := w.uvarint(); n > 0 && !w.short; n-- {
		key := w.uvarint()
		value := w.skip(w.uvarint())
		if parts := known[uint32(key)]; parts != nil && !w.short {
			inner := walk{rest: value, flexible: w.flexible}
			inner.parts(parts)
			w.short = inner.short
		}
	}
}

// length reads a length, of size bytes in versions that are not flexible; none is 0.
func (w *walk) length(size int) uint64 {
	if w.flexible {
		return max(w.uvarint(), 1) - 1
	}
	b := w.skip(uint64(size))
	switch {
	case w.short:
		return 0
	case size == 2:
		return uint64(max(int16(binary.BigEndian.Uint16(b)), 0))
	}
	return uint64(max(int32(binary.BigEndian.Uint32(b)), 0))
}

func (w *walk) uvarint() uint64 {
	v, n := binary.Uvarint(w.rest)
	if n <= 0 || n > binary.MaxVarintLen32 {
		w.short, w.rest = true, nil
		return 0
	}
	w.rest = w.rest[n:]
	return v
}

func (w *walk) skip(n uint64) []byte {
	if n > uint64(len(w.rest)) {
		w.short, w.rest = true, nil
		return nil
	}
	skipped := w.rest[:n]
	w.rest = w.rest[n:]
	return skipped
}

// versioned names a request.
type versioned struct{ key, version int16 }

// learned are the forms that were asked for.
var learned sync.Map // versioned -> []part

// partsOf is the form of a request.
func partsOf(request kmsg.Request) []part {
	name := versioned{request.Key(), request.GetVersion()}
	if parts, ok := learned.Load(name); ok {
		return parts.([]part)
	}
	parts := learn(name)
	learned.Store(name, parts)
	return parts
}
