package phoenix

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
)

// CatalogTable is where Phoenix keeps the description of its tables when namespace mapping is off.
const CatalogTable = "SYSTEM.CATALOG"

// Qualifiers of SYSTEM.CATALOG. The table is itself a Phoenix table with plain column names.
const (
	catTableType       = "TABLE_TYPE"
	catSaltBuckets     = "SALT_BUCKETS"
	catEncoding        = "ENCODING_SCHEME"
	catStorage         = "IMMUTABLE_STORAGE_SCHEME"
	catStoreNulls      = "STORE_NULLS"
	catMultiTenant     = "MULTI_TENANT"
	catNamespaceMapped = "IS_NAMESPACE_MAPPED"
	catDefaultFamily   = "DEFAULT_COLUMN_FAMILY"
	catTransactions    = "TRANSACTION_PROVIDER"
	catTransactional   = "TRANSACTIONAL"
	catTTL             = "TTL"
	catIndexType       = "INDEX_TYPE"
	catIndexState      = "INDEX_STATE"
	catIndexWhere      = "INDEX_WHERE"
	catDataTable       = "DATA_TABLE_NAME"
	catLinkType        = "LINK_TYPE"
	catDataType        = "DATA_TYPE"
	catColumnSize      = "COLUMN_SIZE"
	catDecimalDigits   = "DECIMAL_DIGITS"
	catNullable        = "NULLABLE"
	catKeySeq          = "KEY_SEQ"
	catSortOrder       = "SORT_ORDER"
	catQualifier       = "COLUMN_QUALIFIER"
	catLastDDL         = "LAST_DDL_TIMESTAMP"
	catSequence        = "TABLE_SEQ_NUM"
)

// CheckNames refuses names the catalog cannot be asked for: the index must lie in the table's
// schema, and neither name may be empty, quoted, or carry the ':' of namespace mapping.
func CheckNames(table, index string) error {
	for _, full := range []string{table, index} {
		if strings.ContainsAny(full, "\"` ") {
			return fmt.Errorf("name %q: write it without quotes and blanks; lower case is meant as written", full)
		}
	}
	tableSchema, tableName := splitName(table)
	indexSchema, indexName := splitName(index)
	for _, n := range []struct{ kind, full, name string }{{"table", table, tableName}, {"index", index, indexName}} {
		if n.name == "" || strings.ContainsAny(n.full, ":\x00") || strings.Contains(n.name, ".") {
			return fmt.Errorf("%s name %q: write it as SCHEMA.NAME, as Phoenix does without namespace mapping", n.kind, n.full)
		}
	}
	if tableSchema != indexSchema {
		return fmt.Errorf("index name %q: Phoenix keeps an index in the schema of its table %q", index, table)
	}
	return nil
}

// CatalogKeys returns the keys of the header rows of table and index: what to read again, once a
// minute, to notice a change of the layout.
func CatalogKeys(table, index string) [][]byte { return [][]byte{headerKey(table), headerKey(index)} }

// CatalogRanges returns the ranges of SYSTEM.CATALOG that describe table and index.
func CatalogRanges(table, index string) []Range {
	ranges := make([]Range, 0, 2)
	for _, key := range CatalogKeys(table, index) {
		ranges = append(ranges, Range{Start: key, Stop: append(bytes.Clone(key), 1)})
	}
	return ranges
}

// headerKey is that of the row which describes the table itself: an empty tenant, the schema and the
// name, separated by NUL.
func headerKey(full string) []byte {
	schema, name := splitName(full)
	return []byte("\x00" + schema + "\x00" + name)
}

// Fingerprint digests the header rows of table and index, in any order: two fingerprints differ when
// a DDL statement, a change of the index state, a drop or a new creation lies between them.
func Fingerprint(table, index string, rows []Stored) string {
	var b strings.Builder
	for _, key := range CatalogKeys(table, index) {
		header := find(rows, key)
		if header == nil {
			b.WriteString("absent;")
			continue
		}
		for _, q := range []string{catTableType, catSequence, catLastDDL, catIndexState} {
			value, _ := header.Value(q)
			b.WriteString(hex.EncodeToString(value) + ",")
		}
		b.WriteByte(';')
	}
	return b.String()
}

func find(rows []Stored, key []byte) *Stored {
	for i := range rows {
		if bytes.Equal(rows[i].Key, key) {
			return &rows[i]
		}
	}
	return nil
}

// relation is what the catalog says of one table or index: its header, its columns by name and, for
// a table, its indexes.
type relation struct {
	name    string
	header  *Stored
	columns map[string]*catalogColumn
	indexes []string
}

// catalogColumn is the row of one column. Family is empty for columns of the primary key.
type catalogColumn struct {
	family string
	*Stored
}

// readRelation picks the rows of one table out of those of the catalog. Their keys continue the
// header's with NUL, the column's name, NUL and its family; a link to an index has an empty name and
// the index in the place of the family.
func readRelation(full string, rows []Stored) relation {
	key := headerKey(full)
	r := relation{name: full, header: find(rows, key), columns: make(map[string]*catalogColumn)}
	prefix := append(key, 0)
	for i := range rows {
		rest, found := bytes.CutPrefix(rows[i].Key, prefix)
		if !found {
			continue
		}
		column, family, _ := strings.Cut(string(rest), "\x00")
		switch {
		case column != "":
			r.columns[column] = &catalogColumn{family: family, Stored: &rows[i]}
		case isIndexLink(&rows[i]):
			r.indexes = append(r.indexes, family)
		}
	}
	return r
}

func isIndexLink(row *Stored) bool {
	link, _ := row.Value(catLinkType)
	return bytes.Equal(link, []byte{1})
}
