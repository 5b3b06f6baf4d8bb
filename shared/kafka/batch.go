package kafka

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
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
		end := len(dst)
		dst = appendRecord(dst, m.Message, at-first, n)
		if n > 0 && len(dst)-start > limit {
			dst = dst[:end]
			break
		}
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
	return recordsAt - batchAt + len(appendRecord(nil, m, 0, 0))
}

func millis(t, now time.Time) int64 {
	if t.IsZero() {
		t = now
	}
	return t.UnixMilli()
}

func appendRecord(dst []byte, m *Message, deltaTime int64, deltaOffset int) []byte {
	const usual = 2
	start := len(dst)
	dst = append(dst, make([]byte, usual+1)...) // no attributes
	dst = binary.AppendVarint(dst, deltaTime)
	dst = binary.AppendVarint(dst, int64(deltaOffset))
	dst = m.appendTo(dst)
	return setLength(dst, start, usual)
}

// setLength writes how much has been appended behind the room that was kept for that at from. It is of the usual
// size, and when the length takes another one, what follows moves.
func setLength(dst []byte, from, room int) []byte {
	size := uint(len(dst) - from - room)
	switch {
	case room == 1 && size < 1<<6:
		dst[from] = byte(size << 1)
		return dst
	case room == 2 && size >= 1<<6 && size < 1<<13:
		dst[from], dst[from+1] = byte(size<<1)|0x80, byte(size>>6)
		return dst
	}
	var length [binary.MaxVarintLen64]byte
	n := binary.PutVarint(length[:], int64(size))
	return slices.Replace(dst, from, from+room, length[:n]...)
}

// appendTo appends what a message says: key, value and headers, as they stand in a batch.
func (m *Message) appendTo(dst []byte) []byte {
	if m.Record != nil {
		return appendOutput(dst, m.Record, m.Headers)
	}
	dst = appendBytes(dst, m.Key)
	dst = appendBytes(dst, m.Value)
	dst = binary.AppendVarint(dst, int64(len(m.Headers)))
	for _, h := range m.Headers {
		dst = appendHeader(dst, h.Key, h.Value)
	}
	return dst
}

func appendHeader(dst []byte, name string, value []byte) []byte {
	return appendBytes(appendName(dst, name), value)
}

func appendName(dst []byte, name string) []byte {
	return append(binary.AppendVarint(dst, int64(len(name))), name...)
}

func appendBytes(dst, b []byte) []byte {
	if b == nil {
		return binary.AppendVarint(dst, -1)
	}
	dst = binary.AppendVarint(dst, int64(len(b)))
	return append(dst, b...)
}
