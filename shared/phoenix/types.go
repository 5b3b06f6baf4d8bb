package phoenix

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// ErrNull is returned by the decoders of all types but VARCHAR for a value of zero length. Whether a
// column may be null is for the reader of the row to say.
var ErrNull = errors.New("the value is null")

// badValue is the error of a decoder: it names the type and quotes at most a short prefix.
func badValue(sqlType string, b []byte, why string) error {
	if len(b) == 0 {
		return fmt.Errorf("read %s: %w", sqlType, ErrNull)
	}
	const most = 32
	if len(b) > most {
		return fmt.Errorf("read %s from 0x%x… (%d bytes): %s", sqlType, b[:most], len(b), why)
	}
	return fmt.Errorf("read %s from 0x%x: %s", sqlType, b, why)
}

// AppendVarchar appends a VARCHAR: its UTF-8 bytes as they are.
func AppendVarchar(dst []byte, s string) []byte { return append(dst, s...) }

// DecodeVarchar reads a VARCHAR. Zero length is the empty string, which Phoenix does not tell from
// NULL. Bytes that are not UTF-8 are refused.
func DecodeVarchar(b []byte) (string, error) {
	if !utf8.Valid(b) {
		return "", badValue("VARCHAR", b, "it is not UTF-8")
	}
	return string(b), nil
}

// AppendBigint appends a BIGINT: big-endian with the top bit flipped, so that bytes sort as numbers.
// DATE has the same bytes, as epoch milliseconds.
func AppendBigint(dst []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(v)^1<<63)
}

// DecodeBigint reads a BIGINT or, as epoch milliseconds, a DATE.
func DecodeBigint(b []byte) (int64, error) {
	if len(b) != 8 {
		return 0, badValue("BIGINT", b, "it must have 8 bytes")
	}
	return int64(binary.BigEndian.Uint64(b) ^ 1<<63), nil
}

// AppendInteger appends an INTEGER.
func AppendInteger(dst []byte, v int32) []byte {
	return binary.BigEndian.AppendUint32(dst, uint32(v)^1<<31)
}

// DecodeInteger reads an INTEGER.
func DecodeInteger(b []byte) (int32, error) {
	if len(b) != 4 {
		return 0, badValue("INTEGER", b, "it must have 4 bytes")
	}
	return int32(binary.BigEndian.Uint32(b) ^ 1<<31), nil
}

// DecodeSmallint reads a SMALLINT.
func DecodeSmallint(b []byte) (int16, error) {
	if len(b) != 2 {
		return 0, badValue("SMALLINT", b, "it must have 2 bytes")
	}
	return int16(binary.BigEndian.Uint16(b) ^ 1<<15), nil
}

// DecodeTinyint reads a TINYINT.
func DecodeTinyint(b []byte) (int8, error) {
	if len(b) != 1 {
		return 0, badValue("TINYINT", b, "it must have 1 byte")
	}
	return int8(b[0] ^ 1<<7), nil
}

// AppendBoolean appends a BOOLEAN.
func AppendBoolean(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// DecodeBoolean reads a BOOLEAN.
func DecodeBoolean(b []byte) (bool, error) {
	if len(b) != 1 || b[0] > 1 {
		return false, badValue("BOOLEAN", b, "it must be 00 or 01")
	}
	return b[0] == 1, nil
}

const timestampLen = 12

// AppendTimestampMillis appends a TIMESTAMP of whole milliseconds: epoch milliseconds as a BIGINT, then
// the nanoseconds below the millisecond as 4 plain bytes.
func AppendTimestampMillis(dst []byte, ms int64) []byte {
	return append(AppendBigint(dst, ms), 0, 0, 0, 0)
}

// DecodeTimestampMillis reads a TIMESTAMP, dropping what is finer than a millisecond.
func DecodeTimestampMillis(b []byte) (int64, error) {
	ms, _, err := splitTimestamp(b)
	return ms, err
}

func splitTimestamp(b []byte) (ms int64, nanos uint32, err error) {
	if len(b) != timestampLen {
		return 0, 0, badValue("TIMESTAMP", b, "it must have 12 bytes")
	}
	nanos = binary.BigEndian.Uint32(b[8:])
	if nanos >= 1e6 {
		return 0, 0, badValue("TIMESTAMP", b, "its last 4 bytes exceed 999999 ns")
	}
	return int64(binary.BigEndian.Uint64(b) ^ 1<<63), nanos, nil
}
