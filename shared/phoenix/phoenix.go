// Package phoenix knows the bytes Apache Phoenix stores in HBase: the encodings of SQL types, salted
// row keys, the data row and the index row of a record, and the layout described by SYSTEM.CATALOG.
//
// The package is pure: bytes and values in, bytes and values out. It imports neither an HBase client
// nor a context. The bytes are checked against golden files taken from a live Phoenix (testdata).
//
// Laws of the codec, each held by a test:
//
//   - every encoder writes the bytes Phoenix itself writes for that value; where SQL compares bytes
//     (DECIMAL) the encoding of a value is unique;
//   - for non-null values, decode(encode(v)) = v and the bytes sort as the values do;
//   - a decoder accepts exactly what an encoder can write and refuses anything else with an error
//     that names the type and the bytes;
//   - SQL NULL is a cell of zero length; for VARCHAR the empty string is NULL.
package phoenix

// Family is the column family of every cell: Phoenix's default family.
const Family = "0"

// EmptyColumn is the qualifier of the cell that Phoenix expects in every row of a table or index
// with plain column names.
const EmptyColumn = "_0"

// MaxKeyBytes is how long a row key may be in HBase; nothing can be stored or asked for under a longer one.
const MaxKeyBytes = 32_767

// Cell is one column of a row; its family is always Family.
type Cell struct {
	Qualifier string
	Value     []byte // zero length is SQL NULL
}

// Put is one row to write. Its slices may share memory with other rows and are not to be changed.
type Put struct {
	Key       []byte
	Timestamp int64 // epoch milliseconds, of every cell
	Cells     []Cell
}

// Row is what one record becomes: the row of the table and the row of its index. The data row is
// written first and acknowledged before the index row is sent.
type Row struct {
	Data, Index Put
}

// Stored is one row as it was read.
type Stored struct {
	Key       []byte
	Timestamp int64 // epoch milliseconds, of the newest cell
	Cells     []Cell
}

// Value returns the bytes of a column, and false when the row has no such cell.
func (s *Stored) Value(qualifier string) ([]byte, bool) {
	for i := range s.Cells {
		if s.Cells[i].Qualifier == qualifier {
			return s.Cells[i].Value, true
		}
	}
	return nil, false
}

// Range is a range of row keys: Start inclusive, Stop exclusive.
type Range struct {
	Start, Stop []byte
}
