package phoenix

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"feedstream/shared/feed"
)

// The columns that the code itself has to name. They are plain qualifiers too, as the table is not
// encoded.
const (
	colRowKey    = "ROWKEY"
	colStockCode = "STOCK_CODE"
	colTimestamp = "TIMESTAMP"
)

// column is one column: as SYSTEM.CATALOG describes it, and what a record has in it.
type column struct {
	name     string
	sqlType  string // as in the DDL
	dataType int32  // java.sql.Types
	size     int32  // DECIMAL only: precision
	digits   int32  // DECIMAL only: scale
	required bool   // a row in which it is null is no record's

	text   func(r *feed.Record) *string             // VARCHAR only: where the record has it
	append func(dst []byte, r *feed.Record) []byte  // appends nothing for NULL
	read   func(r *feed.Record, value []byte) error // is not called for NULL
}

// DefaultSaltBuckets is the bucket count in the DDL of table and index. A table with another count
// works as well: the count is read, not assumed.
const DefaultSaltBuckets = 16

var primaryKey = column{name: colRowKey, sqlType: "VARCHAR", dataType: 12}

// columns are those outside the primary key, in the order of the DDL.
var columns = []column{
	varchar(colStockCode, func(r *feed.Record) *string { return &r.StockCode }).notNull(),
	varchar("STOCK_NAME", func(r *feed.Record) *string { return &r.StockName }),
	{
		name: "LAST_PRICE", sqlType: "DECIMAL(18,4)", dataType: 3, size: 18, digits: 4,
		append: func(dst []byte, r *feed.Record) []byte {
			if r.LastPrice == nil {
				return dst
			}
			if r.Forms != nil {
				return append(dst, r.Forms.Decimal()...)
			}
			return AppendPrice(dst, *r.LastPrice)
		},
		read: func(r *feed.Record, value []byte) error {
			price, err := DecodePrice(value)
			r.LastPrice = &price
			return err
		},
	},
	{
		name: colTimestamp, sqlType: "TIMESTAMP", dataType: 93, required: true,
		append: func(dst []byte, r *feed.Record) []byte { return AppendTimestampMillis(dst, r.Time) },
		read: func(r *feed.Record, value []byte) (err error) {
			r.Time, err = DecodeTimestampMillis(value)
			return err
		},
	},
	{
		name: "MATCHED", sqlType: "BOOLEAN", dataType: 16,
		append: func(dst []byte, r *feed.Record) []byte { return AppendBoolean(dst, r.Matched) },
		read: func(r *feed.Record, value []byte) (err error) {
			r.Matched, err = DecodeBoolean(value)
			return err
		},
	},
	varchar("REFERENCE_VERSION", func(r *feed.Record) *string { return &r.ReferenceVersion }),
	varchar("SOURCE_TOPIC", func(r *feed.Record) *string { return &r.Origin.Topic }),
	{
		name: "SOURCE_PARTITION", sqlType: "INTEGER", dataType: 4,
		append: func(dst []byte, r *feed.Record) []byte { return AppendInteger(dst, int32(r.Origin.Partition)) },
		read: func(r *feed.Record, value []byte) error {
			partition, err := DecodeInteger(value)
			r.Origin.Partition = int(partition)
			return err
		},
	},
	{
		name: "SOURCE_OFFSET", sqlType: "BIGINT", dataType: -5,
		append: func(dst []byte, r *feed.Record) []byte { return AppendBigint(dst, r.Origin.Offset) },
		read: func(r *feed.Record, value []byte) (err error) {
			r.Origin.Offset, err = DecodeBigint(value)
			return err
		},
	},
}

func varchar(name string, member func(*feed.Record) *string) column {
	return column{
		name: name, sqlType: "VARCHAR", dataType: 12, text: member,
		append: func(dst []byte, r *feed.Record) []byte { return AppendVarchar(dst, *member(r)) },
		read: func(r *feed.Record, value []byte) (err error) {
			*member(r), err = DecodeVarchar(value)
			return err
		},
	}
}

func (c column) notNull() column {
	c.required = true
	return c
}

// byQualifier are the columns in the order in which HBase keeps the cells of a row; the empty column
// comes behind them.
var byQualifier = func() []*column {
	sorted := make([]*column, len(columns))
	for i := range columns {
		sorted[i] = &columns[i]
	}
	slices.SortFunc(sorted, func(a, b *column) int { return strings.Compare(a.name, b.name) })
	return sorted
}()

// columnOf returns the column of a qualifier, nil for one that the layout does not know.
func columnOf(qualifier string) *column {
	for i := range columns {
		if columns[i].name == qualifier {
			return &columns[i]
		}
	}
	return nil
}

// definition is the column in a DDL statement.
func (c column) definition() string {
	if c.name == colTimestamp {
		return `"` + c.name + `" ` + c.sqlType // a reserved word
	}
	return c.name + " " + c.sqlType
}

// TableDDL returns the statement that creates the table. A name with lower-case letters is quoted.
func TableDDL(table string) string {
	definitions := []string{primaryKey.definition() + " PRIMARY KEY"}
	for _, c := range columns {
		definitions = append(definitions, c.definition())
	}
	return fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (\n  %s\n) "+
		"SALT_BUCKETS=%d, COLUMN_ENCODED_BYTES=0, STORE_NULLS=true",
		inSQL(table), strings.Join(definitions, ",\n  "), DefaultSaltBuckets)
}

// plainName is what SQL takes as written: it turns any other name into upper case, unless it is quoted.
var plainName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)

// inSQL writes a name, with or without a schema, as a statement has to.
func inSQL(full string) string {
	parts := strings.Split(full, ".")
	for i, part := range parts {
		if !plainName.MatchString(part) {
			parts[i] = `"` + part + `"`
		}
	}
	return strings.Join(parts, ".")
}

// IndexDDL returns the statement that creates the index. Index is its name with or without the
// schema, which is always the table's.
func IndexDDL(table, index string) string {
	_, name := splitName(index)
	return fmt.Sprintf("CREATE UNCOVERED INDEX IF NOT EXISTS %s ON %s (%s) SALT_BUCKETS=%d",
		inSQL(name), inSQL(table), colStockCode, DefaultSaltBuckets)
}

// splitName splits "SCHEMA.NAME"; a name without a point has no schema.
func splitName(full string) (schema, name string) {
	if before, after, found := strings.Cut(full, "."); found {
		return before, after
	}
	return "", full
}
