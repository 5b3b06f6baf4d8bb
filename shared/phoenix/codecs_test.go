package phoenix

import (
	"encoding/binary"
	"math"
	"time"
)

// What no row or catalog of ours needs written or read, and the golden values of a live Phoenix have all
// the same: with it every law of the codec is tested on every type.

// appendSmallint appends a SMALLINT.
func appendSmallint(dst []byte, v int16) []byte {
	return binary.BigEndian.AppendUint16(dst, uint16(v)^1<<15)
}

// appendTinyint appends a TINYINT.
func appendTinyint(dst []byte, v int8) []byte { return append(dst, byte(v)^1<<7) }

// appendDouble appends a DOUBLE. The bits are arranged so that bytes sort as numbers; every NaN
// becomes Java's canonical one.
func appendDouble(dst []byte, v float64) []byte {
	bits := math.Float64bits(v)
	if math.IsNaN(v) {
		bits = javaNaN
	}
	bits ^= uint64(int64(bits)>>63) | 1<<63
	return binary.BigEndian.AppendUint64(dst, bits+1)
}

const javaNaN = 0x7ff8_0000_0000_0000

// decodeDouble reads a DOUBLE.
func decodeDouble(b []byte) (float64, error) {
	if len(b) != 8 {
		return 0, badValue("DOUBLE", b, "it must have 8 bytes")
	}
	bits := binary.BigEndian.Uint64(b) - 1
	bits ^= uint64(^int64(bits)>>63) | 1<<63
	v := math.Float64frombits(bits)
	if math.IsNaN(v) && bits != javaNaN {
		return 0, badValue("DOUBLE", b, "it is a NaN that Java does not write")
	}
	return v, nil
}

// appendTimestamp appends a TIMESTAMP: epoch milliseconds as a BIGINT, then the nanoseconds below
// the millisecond as 4 plain bytes. The zone of t does not matter: Phoenix stores instants.
func appendTimestamp(dst []byte, t time.Time) []byte {
	dst = AppendBigint(dst, t.UnixMilli())
	return binary.BigEndian.AppendUint32(dst, uint32(t.Nanosecond()%1e6))
}

// decodeTimestamp reads a TIMESTAMP as an instant in UTC.
func decodeTimestamp(b []byte) (time.Time, error) {
	ms, nanos, err := splitTimestamp(b)
	if err != nil {
		return time.Time{}, err
	}
	return time.UnixMilli(ms).Add(time.Duration(nanos)).UTC(), nil
}

// indexKey is the slow way to an index key, which Rows is held against: it returns the HBase key of the index row of a row key under a stock code.
func (l *Layout) indexKey(code, rowKey string) []byte {
	key := make([]byte, 1, 2+len(code)+len(rowKey))
	key = append(key, code...)
	key = append(key, 0)
	key = append(key, rowKey...)
	key[0] = Salt(key[1:], l.IndexSaltBuckets)
	return key
}
