package hbase

import (
	"encoding/binary"
	"errors"
	"math"
)

// A cell block is a run of cells as HBase's KeyValueCodec writes them:
//
//	4 bytes length of the rest, 4 bytes key length, 4 bytes value length,
//	key: 2 bytes length, row; 1 byte length, family; qualifier; 8 bytes timestamp; 1 byte type
//	value

const (
	blockHeader   = 12
	blockKeyFixed = 2 + 1 + 8 + 1
)

var errBadCellBlock = errors.New("cell block is damaged")

// blockSize is the length of a cell in a cell block.
func blockSize(row []byte, c *cell) int {
	return blockHeader + blockKeyFixed + len(row) + len(c.family) + len(c.qualifier) + len(c.value)
}

// appendBlock writes one cell of a row.
func appendBlock(b, row []byte, c *cell) []byte {
	key := blockKeyFixed + len(row) + len(c.family) + len(c.qualifier)
	b = binary.BigEndian.AppendUint32(b, uint32(8+key+len(c.value)))
	b = binary.BigEndian.AppendUint32(b, uint32(key))
	b = binary.BigEndian.AppendUint32(b, uint32(len(c.value)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(row)))
	b = append(b, row...)
	b = append(b, byte(len(c.family)))
	b = append(b, c.family...)
	b = append(b, c.qualifier...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.timestamp))
	b = append(b, c.kind)
	return append(b, c.value...)
}

// cutBlock reads the first cell of a cell block. Row and cell point into b.
func cutBlock(b []byte) (row []byte, c cell, rest []byte, err error) {
	if len(b) < blockHeader {
		return nil, cell{}, nil, errBadCellBlock
	}
	total := uint64(binary.BigEndian.Uint32(b))
	keyLen := uint64(binary.BigEndian.Uint32(b[4:]))
	valueLen := uint64(binary.BigEndian.Uint32(b[8:]))
	if total != 8+keyLen+valueLen || uint64(len(b)) < 4+total || keyLen < blockKeyFixed || keyLen > math.MaxInt32 {
		return nil, cell{}, nil, errBadCellBlock
	}
	end := blockHeader + int(keyLen)
	key, value := b[blockHeader:end:end], b[end:4+total:4+total]
	rowLen := int(binary.BigEndian.Uint16(key))
	if len(key) < blockKeyFixed+rowLen {
		return nil, cell{}, nil, errBadCellBlock
	}
	row, key = key[2:2+rowLen:2+rowLen], key[2+rowLen:]
	familyLen := int(key[0])
	if len(key) < 1+familyLen+9 {
		return nil, cell{}, nil, errBadCellBlock
	}
	tail := key[len(key)-9:]
	return row, cell{
		family:    key[1 : 1+familyLen : 1+familyLen],
		qualifier: key[1+familyLen : len(key)-9 : len(key)-9],
		timestamp: int64(binary.BigEndian.Uint64(tail)),
		kind:      tail[8],
		value:     value,
	}, b[4+total:], nil
}

// skipBlocks passes over n cells.
func skipBlocks(b []byte, n int) ([]byte, error) {
	for ; n > 0; n-- {
		if len(b) < 4 || uint64(len(b)) < 4+uint64(binary.BigEndian.Uint32(b)) {
			return nil, errBadCellBlock
		}
		b = b[4+binary.BigEndian.Uint32(b):]
	}
	return b, nil
}
