// Package codec takes the compression off a batch of records.
package codec

import (
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
)

// The codecs by their number in the attributes of a batch.
const (
	None = iota
	Gzip
	Snappy
	LZ4
	Zstd
)

// Reader gives the records of a batch without its compression. What is not of the codec shows here or while it
// is read.
func Reader(content []byte, codec int) (io.Reader, error) {
	switch from := bytes.NewReader(content); codec {
	case None:
		return from, nil
	case Gzip:
		return gzip.NewReader(from)
	case Snappy:
		return unsnappy(content)
	case LZ4:
		return lz4.NewReader(from), nil
	case Zstd:
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
