package kafka

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
	"time"
)

// Places in a record set with one batch, format 2: the set's size, then the batch.
const (
	batchAt      = 4 // behind the size of the set
	lengthAt     = batchAt + 8
	checksumAt   = batchAt + 17
	checkedAt    = batchAt + 21 // what the checksum covers begins here
	lastOffsetAt = batchAt + 23
	firstTimeAt  = batchAt + 27
	maxTimeAt    = batchAt + 35
	countAt      = batchAt + 57
	recordsAt    = batchAt + 61
)

// appendBatch appends a record set that holds one uncompressed batch with as many of the messages as
// stay within limit bytes, the first in any case, and returns how many. Encoding it in one pass into
// one buffer is what the library's own writers, which go through an interface per key and value, do
// not do.
func appendBatch(dst []byte, messages []pending, limit int, now time.Time) ([]byte, int) {
	start := len(dst)
	dst = append(dst, make([]byte, recordsAt)...)
	first := millis(messages[0].Time, now)
	latest := first
	n := 0
	for _, m := range messages {
		at := millis(m.Time, now)
		size := recordSize(m.Message, at-first, n)
		if n > 0 && len(dst)-start+size+binary.MaxVarintLen32 > limit {
			break
		}
		dst = appendRecord(dst, m.Message, size, at-first, n)
		latest = max(latest, at)
		n++
	}
	set := dst[start:]
	big := binary.BigEndian
	big.PutUint32(set, uint32(len(set)-batchAt))
	big.PutUint32(set[lengthAt:], uint32(len(set)-lengthAt-4))
	big.PutUint32(set[lengthAt+4:], ^uint32(0)) // leader epoch: unknown
	set[lengthAt+8] = 2                         // format
	big.PutUint32(set[lastOffsetAt:], uint32(n-1))
	big.PutUint64(set[firstTimeAt:], uint64(first))
	big.PutUint64(set[maxTimeAt:], uint64(latest))
	big.PutUint64(set[maxTimeAt+8:], ^uint64(0)) // no producer id,
	big.PutUint16(set[maxTimeAt+16:], ^uint16(0))
	big.PutUint32(set[maxTimeAt+18:], ^uint32(0)) // nor epoch and sequence
	big.PutUint32(set[countAt:], uint32(n))
	big.PutUint32(set[checksumAt:], crc32.Checksum(set[checkedAt:], crc32.MakeTable(crc32.Castagnoli)))
	return dst, n
}

// Size is how many bytes a batch has that holds the message alone, uncompressed: what a topic's
// max.message.bytes bounds.
func (m *Message) Size() int {
	size := recordSize(m, 0, 0)
	return recordsAt - batchAt + varintSize(int64(size)) + size
}

func millis(t, now time.Time) int64 {
	if t.IsZero() {
		t = now
	}
	return t.UnixMilli()
}

func appendRecord(dst []byte, m *Message, size int, deltaTime int64, deltaOffset int) []byte {
	dst = binary.AppendVarint(dst, int64(size))
	dst = append(dst, 0) // attributes
	dst = binary.AppendVarint(dst, deltaTime)
	dst = binary.AppendVarint(dst, int64(deltaOffset))
	dst = appendBytes(dst, m.Key)
	dst = appendBytes(dst, m.Value)
	dst = binary.AppendVarint(dst, int64(len(m.Headers)))
	for _, h := range m.Headers {
		dst = binary.AppendVarint(dst, int64(len(h.Key)))
		dst = append(dst, h.Key...)
		dst = appendBytes(dst, h.Value)
	}
	return dst
}

func appendBytes(dst, b []byte) []byte {
	if b == nil {
		return binary.AppendVarint(dst, -1)
	}
	dst = binary.AppendVarint(dst, int64(len(b)))
	return append(dst, b...)
}

// recordSize is the length of a record behind the varint that holds it.
func recordSize(m *Message, deltaTime int64, deltaOffset int) int {
	size := 1 + varintSize(deltaTime) + varintSize(int64(deltaOffset)) +
		bytesSize(m.Key) + bytesSize(m.Value) + varintSize(int64(len(m.Headers)))
	for _, h := range m.Headers {
		size += varintSize(int64(len(h.Key))) + len(h.Key) + bytesSize(h.Value)
	}
	return size
}

func bytesSize(b []byte) int {
	if b == nil {
		return varintSize(-1)
	}
	return varintSize(int64(len(b))) + len(b)
}

func varintSize(v int64) int {
	zigzag := uint64(v)<<1 ^ uint64(v>>63)
	return (bits.Len64(zigzag|1) + 6) / 7
}
