package phoenix

import (
	"fmt"
	"strings"
)

// The columns of the table. They are plain qualifiers too, as the table is not encoded.
const (
	colRowKey           = "ROWKEY"
	colStockCode        = "STOCK_CODE"
	colStockName        = "STOCK_NAME"
	colLastPrice        = "LAST_PRICE"
	colTimestamp        = "TIMESTAMP"
	colMatched          = "MATCHED"
	colReferenceVersion = "REFERENCE_VERSION"
	colSourceTopic      = "SOURCE_TOPIC"
	colSourcePartition  = "SOURCE_PARTITION"
	colSourceOffset     = "SOURCE_OFFSET"
)

// column is one column as SYSTEM.CATALOG describes it.
type column struct {
	name     string
	sqlType  string // as in the DDL
	dataType int32  // java.sql.Types
	size     int32  // DECIMAL only: precision
	digits   int32  // DECIMAL only: scale
}

// DefaultSaltBuckets is the bucket count in the DDL of table and index. A table with another count
// works as well: the count is read, not assumed.
const DefaultSaltBuckets = 16

var primaryKey = column{name: colRowKey, sqlType: "VARCHAR", dataType: 12}

// columns are those outside the primary key, in the order of the DDL.
var columns = []column{
	{name: colStockCode, sqlType: "VARCHAR", dataType: 12},
	{name: colStockName, sqlType: "VARCHAR", dataType: 12},
	{name: colLastPrice, sqlType: "DECIMAL(18,4)", dataType: 3, size: 18, digits: 4},
	{name: colTimestamp, sqlType: "TIMESTAMP", dataType: 93},
	{name: colMatched, sqlType: "BOOLEAN", dataType: 16},
	{name: colReferenceVersion, sqlType: "VARCHAR", dataType: 12},
	{name: colSourceTopic, sqlType: "VARCHAR", dataType: 12},
	{name: colSourcePartition, sqlType: "INTEGER", dataType: 4},
	{name: colSourceOffset, sqlType: "BIGINT", dataType: -5},
}

// definition is the column in a DDL statement.
func (c column) definition() string {
	if c.name == colTimestamp {
		return `"` + c.name + `" ` + c.sqlType // a reserved word
	}
	return c.name + " " + c.sqlType
}

// TableDDL returns the statement that creates the table.
func TableDDL(table string) string {
	definitions := []string{primaryKey.definition() + " PRIMARY KEY"}
	for _, c := range columns {
		definitions = append(definitions, c.definition())
	}
	return fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (\n  %s\n) SALT_BUCKETS=%d, COLUMN_ENCODED_BYTES=0, STORE_NULLS=true",
		table, strings.Join(definitions, ",\n  "), DefaultSaltBuckets)
}

// IndexDDL returns the statement that creates the index. Index is its name with or without the
// schema, which is always the table's.
func IndexDDL(table, index string) string {
	_, name := splitName(index)
	return fmt.Sprintf("CREATE UNCOVERED INDEX IF NOT EXISTS %s ON %s (%s) SALT_BUCKETS=%d",
		name, table, colStockCode, DefaultSaltBuckets)
}

// splitName splits "SCHEMA.NAME"; a name without a point has no schema.
func splitName(full string) (schema, name string) {
	if before, after, found := strings.Cut(full, "."); found {
		return before, after
	}
	return "", full
}
