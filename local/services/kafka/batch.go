package kafka

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// refuseBatch judges what kfake believes of a batch: that it can be decompressed and holds as many records as it
// says. The rest, such as checksum and sequence, kfake judges itself.
func refuseBatch(raw []byte) *refusal {
	const newest, control = 2, 0x20
	var batch kmsg.RecordBatch
	if batch.ReadFrom(raw) != nil || batch.Magic != newest || batch.Attributes&control != 0 {
		return nil // kfake refuses it with the right code
	}
	records, err := decompress(batch.Records, int(batch.Attributes&0x07))
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

// The codecs by their number in a batch's attributes.
const (
	codecNone = iota
	codecGzip
	codecSnappy
	codecLZ4
	codecZstd
)

func decompress(content []byte, codec int) (io.Reader, error) {
	switch from := bytes.NewReader(content); codec {
	case codecNone:
		return from, nil
	case codecGzip:
		return gzip.NewReader(from)
	case codecSnappy:
		return unsnappy(content)
	case codecLZ4:
		return lz4.NewReader(from), nil
	case codecZstd:
		return unzstd(content)
	}
	return nil, fmt.Errorf("compression %d is unknown", codec)
}

// xerial is how the Java client begins a stream of snappy blocks, each behind its length.
var xerial = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

func unsnappy(content []byte) (io.Reader, error) {
	const header = 16
	if len(content) < header || !bytes.HasPrefix(content, xerial) {
		block, err := snappyBlock(content)
		return bytes.NewReader(block), err
	}
	var all bytes.Buffer
	for rest := content[header:]; len(rest) > 0; {
		if len(rest) < 4 || uint32(len(rest)-4) < binary.BigEndian.Uint32(rest) {
			return nil, io.ErrUnexpectedEOF
		}
		end := 4 + int(binary.BigEndian.Uint32(rest))
		block, err := snappyBlock(rest[4:end])
		if err != nil {
			return nil, err
		}
		all.Write(block)
		rest = rest[end:]
	}
	return &all, nil
}

func snappyBlock(block []byte) ([]byte, error) {
	const mostRatio = 64 // three bytes of it copy at most 64
	if n, err := s2.DecodedLen(block); err != nil || n > mostRatio*len(block) {
		return nil, errors.Join(s2.ErrCorrupt, err)
	}
	return s2.Decode(nil, block)
}

// zstdReaders are kept, since making one costs more than reading a batch.
var zstdReaders = sync.Pool{New: func() any {
	reader, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		panic(err) // the options are constant
	}
	return reader
}}

// unzstd gives the reader back once it has been read to its end.
func unzstd(content []byte) (io.Reader, error) {
	reader := zstdReaders.Get().(*zstd.Decoder)
	return &pooledZstd{reader}, reader.Reset(bytes.NewReader(content))
}

type pooledZstd struct{ reader *zstd.Decoder }

func (z *pooledZstd) Read(p []byte) (int, error) {
	if z.reader == nil {
		return 0, io.EOF
	}
	n, err := z.reader.Read(p)
	if err == io.EOF {
		zstdReaders.Put(z.reader)
		z.reader = nil
	}
	return n, err
}
