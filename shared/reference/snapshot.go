// Package reference is the reference data of the join: how documents of the source are admitted,
// the immutable snapshot they become, the manifest that announces it, and the cache through which a
// function reads it.
//
//	source documents -> Admission -> Encode -> Announcer: object first, manifest last
//	manifest -> Cache: verify, swap -> Snapshot.Find
//
// Object stores and sources are ports; nothing here knows a client library.
package reference

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"unsafe"

	"feedstream/shared/feed"
)

// Format names the format of the snapshots that are written. It stands in the manifest and at the beginning
// of the object, so that another can live beside it. This one is used as it lies: to load it is to check it
// from its first byte to its last, and one loaded takes no more memory than its size and costs the garbage
// collector nothing.
//
//	feedstream.snapshot.v2 LF NUL
//	<number of entries> <number of buckets>                   u32 each
//	for each bucket, and once more: <offset of its entries>   u32 each; the last is the object's length
//	entries: <lengths of the five texts below>                u8 u8 u8 u16 u16
//	         <stock code> <price> <DECIMAL> <name> <name in JSON>
//
// Numbers are little-endian, offsets count from the first byte. There are as many buckets as entries, rounded
// up to a power of two; bucketOf says which one a code belongs to. Entries are sorted by bucket, then by code.
// The price is plain notation and the DECIMAL its bytes in the table, both empty without a price; the name
// in JSON is the inside of the string, empty when that is the name itself. Equal entries give equal bytes.
const Format = "feedstream.snapshot.v2"

const (
	magic        = Format + "\n\x00"
	headerBytes  = len(magic) + 8
	offsetBytes  = 4
	lengthsBytes = 7
)

// Snapshot is one immutable state of the reference. It is safe for concurrent use.
type Snapshot struct {
	version string
	format  string // that of the object it was read from
	data    string // in Format
	entries int
	buckets int
}

// Entry is what a snapshot holds of one stock, in the forms that rows and records take. Its texts lie in the
// snapshot and keep it in memory.
type Entry struct {
	Name string
	// JSON is the name as the inside of a JSON string.
	JSON string
	// Price is plain notation without trailing zeros, empty when the stock has no price.
	Price string
	// Decimal is the price as the column of the table stores it, empty when there is none.
	Decimal string
}

// Version names the snapshot: <UTC yyyymmddThhmmssZ>-<first 8 hex of the content's sha256>.
func (s *Snapshot) Version() string { return s.version }

// Len returns the number of entries.
func (s *Snapshot) Len() int { return s.entries }

// Lookup returns the entry of a stock code in the domain's form. Codes are case-sensitive.
func (s *Snapshot) Lookup(code string) (feed.Entry, bool) {
	entry, found := s.Find(code)
	return entry.plain(), found
}

// plain is the entry in the domain's form.
func (e Entry) plain() feed.Entry {
	plain := feed.Entry{Name: e.Name}
	if e.Price != "" {
		price := e.Amount()
		plain.Price = &price
	}
	return plain
}

// Amount is the price as a number, zero when there is none.
func (e *Entry) Amount() feed.Price {
	if e.Price == "" {
		return 0
	}
	return Amount(e.Price)
}

// Amount is the number of a price that a snapshot has in plain notation.
func Amount(plain string) feed.Price {
	price, err := feed.ParsePrice(plain)
	if err != nil {
		panic("reference: a checked snapshot holds the price " + plain) // unreachable
	}
	return price
}

// All yields the entries, in no order that means anything.
func (s *Snapshot) All() iter.Seq2[string, Entry] {
	return func(yield func(string, Entry) bool) {
		for at := s.offset(0); at < len(s.data); at += entryBytes(s.data[at:]) {
			if code, entry := read(s.data[at:]); !yield(code, entry) {
				return
			}
		}
	}
}

// Found is what a snapshot knows of a code. It lies in the snapshot and keeps it in memory.
type Found struct{ data string }

// Known reports whether the snapshot has an entry of the code.
func (f Found) Known() bool { return f.data != "" }

// Entry is the entry of a code that is known.
func (f Found) Entry() Entry {
	_, entry := read(f.data)
	return entry
}

// Forms are those of a code that is known.
func (f Found) Forms() feed.Forms {
	data := f.data
	_ = data[lengthsBytes-1]
	decimal := int(data[1])
	name := decimal + int(data[2])
	return feed.FormsOf(data[lengthsBytes+int(data[0]):], decimal, name, name+int(data[3])+int(data[4])<<8)
}

// Find returns the entry of a stock code. Codes are case-sensitive. It allocates nothing.
func (s *Snapshot) Find(code string) (Entry, bool) {
	bucket := bucketOf(code, s.buckets)
	at, end := s.offset(bucket), s.offset(bucket+1)
	found := Found{s.among(code, at, end, s.first(at, end))}
	if !found.Known() {
		return Entry{}, false
	}
	return found.Entry(), true
}

// FindAll is Find for each of the codes. A large snapshot does not lie in the processor's caches, and what one
// lookup waits for there, many wait for together. Found has at least the length of codes.
func (s *Snapshot) FindAll(codes []string, found []Found) {
	const together = 64
	for len(codes) > 0 {
		n := min(together, len(codes))
		var begins, ends, lengths [together]int
		for i, code := range codes[:n] {
			bucket := bucketOf(code, s.buckets)
			begins[i], ends[i] = s.offset(bucket), s.offset(bucket+1)
		}
		for i, at := range begins[:n] {
			lengths[i] = s.first(at, ends[i])
		}
		for i, code := range codes[:n] {
			found[i].data = s.among(code, begins[i], ends[i], lengths[i])
		}
		codes, found = codes[n:], found[n:]
	}
}

// first is the length of the first entry between two offsets, 0 when there is none.
func (s *Snapshot) first(at, end int) int {
	if at == end {
		return 0
	}
	return entryBytes(s.data[at:])
}

// among returns the entry of a code in its bucket, whose first entry has a length, and "" when it has none.
func (s *Snapshot) among(code string, at, end, length int) string {
	for at < end {
		if s.data[at+lengthsBytes:at+lengthsBytes+int(s.data[at])] == code {
			return s.data[at : at+length]
		}
		at += length
		length = s.first(at, end)
	}
	return ""
}

// offset is where the entries of a bucket begin, and those of the bucket before end.
func (s *Snapshot) offset(bucket int) int { return int(u32(s.data[headerBytes+offsetBytes*bucket:])) }

// entryBytes is the length of the entry with which data begins.
func entryBytes(data string) int {
	_ = data[lengthsBytes-1]
	return lengthsBytes + int(data[0]) + int(data[1]) + int(data[2]) +
		int(data[3]) + int(data[4])<<8 + int(data[5]) + int(data[6])<<8
}

// read takes the entry with which data begins apart.
func read(data string) (code string, entry Entry) {
	price := lengthsBytes + int(data[0])
	decimal := price + int(data[1])
	name := decimal + int(data[2])
	inJSON := name + int(data[3]) + int(data[4])<<8
	entry = Entry{
		Name: data[name:inJSON], JSON: data[inJSON:entryBytes(data)],
		Price: data[price:decimal], Decimal: data[decimal:name],
	}
	if entry.JSON == "" {
		entry.JSON = entry.Name
	}
	return data[lengthsBytes:price], entry
}

func bucketsFor(entries int) int { return 1 << bits.Len(uint(max(entries-1, 0))) }

// bucketOf returns the bucket of a code among a power of two.
func bucketOf(code string, buckets int) int {
	const prime = 0x9e3779b97f4a7c15
	h := uint64(len(code)) * prime
	for ; len(code) >= 8; code = code[8:] {
		h = fold(h^uint64(u32(code))^uint64(u32(code[4:]))<<32, prime)
	}
	var rest uint64
	for i := range len(code) {
		rest |= uint64(code[i]) << (8 * i)
	}
	return int(fold(h^rest, prime)) & (buckets - 1)
}

func fold(x, y uint64) uint64 {
	high, low := bits.Mul64(x, y)
	return high ^ low
}

func u32(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// Encode returns the snapshot's bytes in Format. The entries must have passed admission.
func Encode(entries map[string]feed.Entry) []byte {
	buckets := bucketsFor(len(entries))
	place := func(code string) int { return bucketOf(code, buckets) }
	codes := slices.SortedFunc(maps.Keys(entries), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	})
	const usual = 64 // bytes of an entry
	first := headerBytes + offsetBytes*(buckets+1)
	body := append(make([]byte, 0, first+usual*len(codes)), magic...)
	u32 := binary.LittleEndian.PutUint32
	body = body[:first]
	u32(body[len(magic):], uint32(len(codes)))
	u32(body[len(magic)+4:], uint32(buckets))
	for bucket := range buckets + 1 {
		u32(body[headerBytes+offsetBytes*bucket:], uint32(len(body)))
		for len(codes) > 0 && place(codes[0]) == bucket {
			body = appendEntry(body, codes[0], entries[codes[0]])
			codes = codes[1:]
		}
	}
	return body
}

func appendEntry(body []byte, code string, entry feed.Entry) []byte {
	at := len(body)
	body = append(body, make([]byte, lengthsBytes)...)
	body = append(body, code...)
	price := len(body)
	decimal := price
	if entry.Price != nil {
		body = entry.Price.Append(body)
		decimal = len(body)
		body = entry.Price.AppendDecimal(body)
	}
	name := len(body)
	body = append(body, entry.Name...)
	inJSON := len(body)
	if body = feed.AppendEscaped(body, entry.Name); string(body[inJSON:]) == entry.Name {
		body = body[:inJSON]
	}
	l := body[at : at+lengthsBytes]
	l[0], l[1], l[2] = byte(len(code)), byte(decimal-price), byte(name-decimal)
	binary.LittleEndian.PutUint16(l[3:], uint16(inJSON-name))
	binary.LittleEndian.PutUint16(l[5:], uint16(len(body)-inJSON))
	return body
}

// Decode reads what Encode or EncodeV1 wrote and accepts nothing else: every other byte sequence is an
// error that names the place. The snapshot uses the body as it lies, which must not be changed afterwards.
func Decode(version string, body []byte) (*Snapshot, error) {
	format := Format
	if bytes.HasPrefix(body, []byte(FormatV1+"\t")) {
		entries, err := decodeV1(body)
		if err != nil {
			return nil, fmt.Errorf("snapshot %s: %w", version, err)
		}
		body, format = Encode(entries), FormatV1
	}
	s := &Snapshot{version: version, format: format, data: unsafe.String(unsafe.SliceData(body), len(body))}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", version, err)
	}
	return s, nil
}

// check verifies all that the other methods rely on: that each bucket holds the entries that belong there,
// one after the other and nothing between.
func (s *Snapshot) check() error {
	if !strings.HasPrefix(s.data, magic) || len(s.data) < headerBytes {
		return fmt.Errorf("it does not begin with %s", Format)
	}
	s.entries, s.buckets = int(u32(s.data[len(magic):])), int(u32(s.data[len(magic)+4:]))
	at := headerBytes + offsetBytes*(s.buckets+1)
	if s.buckets != bucketsFor(s.entries) || at > len(s.data) {
		return fmt.Errorf("%d buckets for %d entries in %d bytes are not what the format says",
			s.buckets, s.entries, len(s.data))
	}
	checker := checker{data: s.data, buckets: s.buckets}
	for bucket := range s.buckets {
		if at != s.offset(bucket) {
			return fmt.Errorf("bucket %d begins at byte %d instead of %d", bucket, s.offset(bucket), at)
		}
		next, err := checker.bucket(bucket, at, s.offset(bucket+1))
		if err != nil {
			return fmt.Errorf("bucket %d: %w", bucket, err)
		}
		at = next
	}
	if at != len(s.data) || at != s.offset(s.buckets) || checker.entries != s.entries {
		return fmt.Errorf("%d entries in %d bytes instead of %d in %d", checker.entries, at, s.entries, len(s.data))
	}
	return nil
}

// checker holds what checking one entry after the other needs, so that it allocates nothing for each.
type checker struct {
	data    string
	buckets int
	entries int // checked so far
	price   feed.Price
	again   []byte
}

// bucket checks the entries of a bucket and returns where the last of them ends.
func (c *checker) bucket(bucket, at, end int) (next int, err error) {
	for previous := ""; at < end; c.entries++ {
		code, next, err := c.entry(at)
		switch {
		case err != nil:
			return 0, fmt.Errorf("the entry at byte %d: %w", at, err)
		case bucketOf(code, c.buckets) != bucket:
			return 0, fmt.Errorf("%q does not belong here", code)
		case code <= previous:
			return 0, fmt.Errorf("%q is not after %q", code, previous)
		}
		at, previous = next, code
	}
	return at, nil
}

// entry checks that what lies at a place is an entry, byte for byte as appendEntry writes it.
func (c *checker) entry(at int) (code string, next int, err error) {
	end := at + lengthsBytes
	if end <= len(c.data) {
		end = at + entryBytes(c.data[at:])
	}
	if end > len(c.data) {
		return "", 0, errors.New("it is cut off")
	}
	code, entry := read(c.data[at:end])
	if !feed.ValidStockCode(code) {
		return "", 0, fmt.Errorf("%q is no stock code", code)
	}
	if err := checkName(entry.Name); err != nil {
		return "", 0, fmt.Errorf("%s: %w", code, err)
	}
	plain := feed.Entry{Name: entry.Name}
	if entry.Price != "" {
		if c.price, err = feed.ParsePrice(entry.Price); err != nil {
			return "", 0, fmt.Errorf("%s: %w", code, err)
		}
		plain.Price = &c.price
	}
	c.again = appendEntry(c.again[:0], code, plain)
	if c.price < 0 || string(c.again) != c.data[at:end] {
		return "", 0, fmt.Errorf("%s: price, DECIMAL and name in JSON are not in canonical form", code)
	}
	return code, end, nil
}
