package wire

import (
	"encoding/binary"
	"errors"
	"math"

	"feedstream/local/services/hbase/internal/store"
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

// BlockSize is the length of a cell in a cell block.
func BlockSize(row []byte, c *store.Cell) int {
	return blockHeader + blockKeyFixed + len(row) + len(c.Family) + len(c.Qualifier) + len(c.Value)
}

// AppendBlock writes one cell of a row.
func AppendBlock(b, row []byte, c *store.Cell) []byte {
	key := blockKeyFixed + len(row) + len(c.Family) + len(c.Qualifier)
	b = binary.BigEndian.AppendUint32(b, uint32(8+key+len(c.Value)))
	b = binary.BigEndian.AppendUint32(b, uint32(key))
	b = binary.BigEndian.AppendUint32(b, uint32(len(c.Value)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(row)))
	b = append(b, row...)
	b = append(b, byte(len(c.Family)))
	b = append(b, c.Family...)
	b = append(b, c.Qualifier...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.Timestamp))
	b = append(b, c.Kind)
	return append(b, c.Value...)
}

// AppendBlocks writes the cells of a row.
func AppendBlocks(b, row []byte, cells []store.Cell) []byte {
	for i := range cells {
		b = AppendBlock(b, row, &cells[i])
	}
	return b
}

// CutBlock reads the first cell of a cell block into c. Row and cell point into b.
func CutBlock(c *store.Cell, b []byte) (row, rest []byte, err error) {
	if len(b) < blockHeader {
		return nil, nil, errBadCellBlock
	}
	total := uint64(binary.BigEndian.Uint32(b))
	keyLen := uint64(binary.BigEndian.Uint32(b[4:]))
	valueLen := uint64(binary.BigEndian.Uint32(b[8:]))
	if total != 8+keyLen+valueLen || uint64(len(b)) < 4+total || keyLen < blockKeyFixed || keyLen > math.MaxInt32 {
		return nil, nil, errBadCellBlock
	}
	end := blockHeader + int(keyLen)
	key := b[blockHeader:end:end]
	rowLen := int(binary.BigEndian.Uint16(key))
	if len(key) < blockKeyFixed+rowLen {
		return nil, nil, errBadCellBlock
	}
	row, key = key[2:2+rowLen:2+rowLen], key[2+rowLen:]
	familyLen := int(key[0])
	if len(key) < 1+familyLen+9 {
		return nil, nil, errBadCellBlock
	}
	tail := key[len(key)-9:]
	c.Family = key[1 : 1+familyLen : 1+familyLen]
	c.Qualifier = key[1+familyLen : len(key)-9 : len(key)-9]
	c.Timestamp, c.Kind = int64(binary.BigEndian.Uint64(tail)), tail[8]
	c.Value = b[end : 4+total : 4+total]
	return row, b[4+total:], nil
}

// SkipBlocks passes over n cells.
func SkipBlocks(b []byte, n int) ([]byte, error) {
	for ; n > 0; n-- {
		if len(b) < 4 || uint64(len(b)) < 4+uint64(binary.BigEndian.Uint32(b)) {
			return nil, errBadCellBlock
		}
		b = b[4+binary.BigEndian.Uint32(b):]
	}
	return b, nil
}
