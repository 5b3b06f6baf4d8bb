package kafka

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"feedstream/local/services/kafka/internal/codec"
)

// refuseBatch judges what kfake believes of a batch: that it can be decompressed and holds as many records as it
// says. The rest, such as checksum and sequence, kfake judges itself.
func refuseBatch(raw []byte) *refusal {
	const newest, control = 2, 0x20
	var batch kmsg.RecordBatch
	if batch.ReadFrom(raw) != nil || batch.Magic != newest || batch.Attributes&control != 0 {
		return nil // kfake refuses it with the right code
	}
	err := countIn(batch.Records, int(batch.Attributes&0x07), int(batch.NumRecords))
	if errors.Is(err, errMiscounted) {
		return &refusal{kerr.InvalidRecord, err.Error()}
	}
	if err != nil {
		return &refusal{kerr.CorruptMessage, "the batch cannot be read: " + err.Error()}
	}
	return nil
}

var errMiscounted = errors.New("the records are not what the batch says")

func countIn(content []byte, compression, want int) error {
	if compression == codec.None {
		return countPlain(content, want)
	}
	records, err := codec.Reader(content, compression)
	if err != nil {
		return err
	}
	return countRecords(records, want)
}

// countPlain is countRecords of what lies there as it is: nothing is copied.
func countPlain(content []byte, want int) error {
	for i := range max(want, 0) {
		length, n := binary.Varint(content)
		switch {
		case len(content) == 0:
			return fmt.Errorf("%w: it says %d and holds %d", errMiscounted, want, i)
		case n <= 0:
			return fmt.Errorf("record %d has no length", i)
		case length < 0 || length > maxRequest:
			return fmt.Errorf("%w: record %d has a length of %d", errMiscounted, i, length)
		case int(length) > len(content)-n:
			return fmt.Errorf("record %d: %w", i, io.ErrUnexpectedEOF)
		}
		record := content[n : n+int(length)]
		if content = content[n+int(length):]; !isRecord(record, i) {
			return fmt.Errorf("%w: record %d of %d is malformed", errMiscounted, i, want)
		}
	}
	if want <= 0 || len(content) > 0 {
		return fmt.Errorf("%w: it says %d and holds others", errMiscounted, want)
	}
	return nil
}

// isRecord tells of what follows a record's length whether kmsg can read it and it is the one at an index of its batch.
func isRecord(content []byte, index int) bool {
	reader := kbin.Reader{Src: content}
	reader.Int8()    // attributes
	reader.Varlong() // timestamp
	at := reader.Varint()
	reader.VarintBytes() // key
	reader.VarintBytes() // value
	for range reader.VarintArrayLen() {
		reader.VarintBytes()
		reader.VarintBytes()
	}
	return reader.Ok() && int(at) == index
}

// countRecords reads the records one after the other, each into the same room.
func countRecords(from io.Reader, want int) error {
	records := bufio.NewReader(io.LimitReader(from, mostContent))
	var room []byte
	for i := range max(want, 0) {
		length, err := binary.ReadVarint(records)
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: it says %d and holds %d", errMiscounted, want, i)
		}
		if err != nil {
			return err
		}
		if length < 0 || length > maxRequest {
			return fmt.Errorf("%w: record %d has a length of %d", errMiscounted, i, length)
		}
		if room, err = appendFrom(room[:0], records, int(length)); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
		if !isRecord(room, i) {
			return fmt.Errorf("%w: record %d of %d is malformed", errMiscounted, i, want)
		}
	}
	if _, err := records.ReadByte(); want <= 0 || !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it says %d and holds others", errMiscounted, want)
	}
	return nil
}

// appendFrom appends n bytes, growing with what is there and not by what was claimed.
func appendFrom(to []byte, from *bufio.Reader, n int) ([]byte, error) {
	const step = 64 << 10
	for n > 0 {
		part := min(n, step)
		at := len(to)
		to = append(to, make([]byte, part)...)
		if _, err := io.ReadFull(from, to[at:]); err != nil {
			return to, err
		}
		n -= part
	}
	return to, nil
}

// mostContent is how much of a batch's decompressed content is read.
const mostContent = 1 << 30
