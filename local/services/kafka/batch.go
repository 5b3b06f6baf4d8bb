package kafka

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

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
	records, err := codec.Reader(batch.Records, int(batch.Attributes&0x07))
	if err == nil {
		err = countRecords(records, int(batch.NumRecords))
	}
	if errors.Is(err, errMiscounted) {
		return &refusal{kerr.InvalidRecord, err.Error()}
	}
	if err != nil {
		return &refusal{kerr.CorruptMessage, "the batch cannot be read: " + err.Error()}
	}
	return nil
}

var errMiscounted = errors.New("the records are not what the batch says")

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
		room = binary.AppendVarint(room[:0], length)
		if room, err = appendFrom(room, records, int(length)); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
		var record kmsg.Record
		if err := record.ReadFrom(room); err != nil || int(record.OffsetDelta) != i {
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
