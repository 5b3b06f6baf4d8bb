package phoenix

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Values of INDEX_TYPE.
const (
	indexGlobal    = 1 // plain or covered: only the columns tell
	indexUncovered = 3
)

// Values of SORT_ORDER, TABLE_TYPE, IMMUTABLE_STORAGE_SCHEME, ENCODING_SCHEME and INDEX_STATE.
const (
	sortAscending      = 2
	typeTable          = "u"
	typeIndex          = "i"
	storageCellPerCol  = 1
	encodingPlainNames = 0
	stateActive        = "a"
)

// Difference is one way in which a table is not laid out as this product writes it.
type Difference struct {
	What   string // names the thing and the value found
	Remedy string // what mends it, as SQL where SQL can
}

// LayoutError lists every difference that Preflight found.
type LayoutError struct {
	Differences []Difference
}

// Error lists the differences, those with the same remedy together.
func (e *LayoutError) Error() string {
	var b strings.Builder
	b.WriteString("the Phoenix tables are not laid out as feedstream writes them:")
	told := make(map[string]bool)
	for _, d := range e.Differences {
		if told[d.Remedy] {
			continue
		}
		told[d.Remedy] = true
		for _, same := range e.Differences {
			if same.Remedy == d.Remedy {
				b.WriteString("\n- " + same.What)
			}
		}
		b.WriteString("\n  remedy: " + d.Remedy)
	}
	return b.String()
}

// Preflight reads the layout of table and index out of their catalog rows, as CatalogRanges delimits
// them. When the layout is any other than the one this package writes, the error is a *LayoutError
// with every difference and its remedy. Warnings name what does not hinder writing and yet surprises;
// they are for logs and metrics.
func Preflight(table, index string, rows []Stored) (l Layout, warnings []string, err error) {
	if err := CheckNames(table, index); err != nil {
		return Layout{}, nil, err
	}
	c := checker{
		table: readRelation(table, rows),
		index: readRelation(index, rows),
	}
	c.checkTable()
	c.checkIndex()
	if len(c.differences) > 0 {
		return Layout{}, c.warnings, &LayoutError{Differences: c.differences}
	}
	l = Layout{
		Table:            table,
		Index:            index,
		SaltBuckets:      saltBuckets(c.table.header),
		IndexSaltBuckets: saltBuckets(c.index.header),
		Uncovered:        indexType(c.index.header) == indexUncovered,
		Fingerprint:      Fingerprint(table, index, rows),
	}
	return l, c.warnings, nil
}

// saltBuckets returns 0 when the table is not salted or the count cannot be one.
func saltBuckets(header *Stored) int {
	value, _ := header.Value(catSaltBuckets)
	n, err := DecodeInteger(value)
	if err != nil || n < 1 || n > MaxSaltBuckets {
		return 0
	}
	return int(n)
}

// checker collects what differs from the expected layout.
type checker struct {
	table, index relation
	differences  []Difference
	warnings     []string
}

func (c *checker) differ(remedy, what string, args ...any) {
	c.differences = append(c.differences, Difference{What: fmt.Sprintf(what, args...), Remedy: remedy})
}

func (c *checker) warn(what string, args ...any) {
	c.warnings = append(c.warnings, fmt.Sprintf(what, args...))
}

// recreateTable is the remedy for what no ALTER TABLE can change.
func (c *checker) recreateTable() string {
	return fmt.Sprintf("save what it holds, then DROP TABLE %s CASCADE; %s; %s", inSQL(c.table.name),
		TableDDL(c.table.name), IndexDDL(c.table.name, c.index.name))
}

func (c *checker) recreateIndex() string {
	_, name := splitName(c.index.name)
	return fmt.Sprintf("DROP INDEX %s ON %s; %s", inSQL(name), inSQL(c.table.name), IndexDDL(c.table.name, c.index.name))
}

func (c *checker) checkTable() {
	t := c.table
	if t.header == nil {
		c.differ(TableDDL(t.name), "table %s does not exist", t.name)
		return
	}
	if kind := text(t.header, catTableType); kind != typeTable {
		c.differ("set HBASE_TABLE to a table of its own, or "+TableDDL(t.name),
			"%s is not a table: its TABLE_TYPE is %q (v is a view, i an index, s a system table)", t.name, kind)
		return
	}
	c.checkHeader(t, c.recreateTable())
	if isTrue(t.header, catMultiTenant) {
		c.differ(c.recreateTable(), "table %s is multi-tenant", t.name)
	}
	if !isTrue(t.header, catStoreNulls) {
		c.differ(fmt.Sprintf("ALTER TABLE %s SET STORE_NULLS=true", inSQL(t.name)),
			"table %s is without STORE_NULLS: a null would be a deletion, which late events cannot survive", t.name)
	}
	c.checkPrimaryKey()
	c.checkColumns()
	c.warnAboutTable()
}

// checkHeader holds for table and index alike.
func (c *checker) checkHeader(r relation, recreate string) {
	if saltBuckets(r.header) == 0 {
		c.differ(recreate, "%s is not salted", r.name)
	}
	if isEncoded(r.header) {
		c.differ(recreate, "%s has encoded column names (ENCODING_SCHEME %d): create it with COLUMN_ENCODED_BYTES=0",
			r.name, tinyint(r.header, catEncoding, encodingPlainNames))
	}
	if storage := tinyint(r.header, catStorage, storageCellPerCol); storage != storageCellPerCol {
		c.differ(recreate, "%s stores a row in a single cell (IMMUTABLE_STORAGE_SCHEME %d)", r.name, storage)
	}
	if isTrue(r.header, catNamespaceMapped) {
		c.differ("set phoenix.schema.isNamespaceMappingEnabled=false on servers and clients; "+recreate,
			"%s is mapped to an HBase namespace", r.name)
	}
	if family := text(r.header, catDefaultFamily); family != "" && family != Family {
		c.differ(recreate, "%s keeps its columns in family %q instead of %q", r.name, family, Family)
	}
	provider, _ := r.header.Value(catTransactions)
	if len(provider) > 0 || isTrue(r.header, catTransactional) {
		c.differ(recreate, "%s is transactional: its cell timestamps are not event times", r.name)
	}
}

func (c *checker) checkPrimaryKey() {
	t := c.table
	for _, name := range slices.Sorted(maps.Keys(t.columns)) {
		if col := t.columns[name]; name != colRowKey && isKey(col) {
			c.differ(c.recreateTable(), "column %s of %s belongs to the primary key, which must be %s alone",
				name, t.name, colRowKey)
		}
	}
	col := t.columns[colRowKey]
	if col == nil || !isKey(col) {
		c.differ(c.recreateTable(), "table %s has no primary key %s", t.name, primaryKey.definition())
		return
	}
	c.checkType(primaryKey, col)
	if order := integer(col, catSortOrder, sortAscending); order != sortAscending {
		c.differ(c.recreateTable(), "the primary key of %s is sorted descending", t.name)
	}
}

func (c *checker) checkColumns() {
	t := c.table
	for _, want := range columns {
		col := t.columns[want.name]
		if col == nil {
			c.differ(fmt.Sprintf("ALTER TABLE %s ADD %s", inSQL(t.name), want.definition()),
				"column %s is missing in %s", want.name, t.name)
			continue
		}
		if isKey(col) {
			continue // named with the primary key
		}
		c.checkType(want, col)
		if col.family != Family && text(t.header, catDefaultFamily) == "" {
			c.differ(c.recreateTable(), "column %s of %s lies in family %q instead of %q", want.name, t.name, col.family, Family)
		}
		if name := text(col.Stored, catQualifier); name != want.name && !isEncoded(t.header) {
			c.differ(c.recreateTable(), "column %s of %s has the qualifier %q: create the table with COLUMN_ENCODED_BYTES=0",
				want.name, t.name, name)
		}
		if integer(col, catNullable, 1) == 0 {
			c.differ(c.recreateTable(), "column %s of %s is NOT NULL", want.name, t.name)
		}
	}
}

func (c *checker) checkType(want column, col *catalogColumn) {
	if got := integer(col, catDataType, 0); got != want.dataType {
		c.differ(c.recreateTable(), "column %s of %s has SQL type %d instead of %d (%s)",
			want.name, c.table.name, got, want.dataType, want.sqlType)
		return
	}
	size, digits := integer(col, catColumnSize, 0), integer(col, catDecimalDigits, 0)
	if want.size > 0 {
		if size != want.size || digits != want.digits {
			c.differ(c.recreateTable(), "column %s of %s is DECIMAL(%d,%d) instead of %s",
				want.name, c.table.name, size, digits, want.sqlType)
		}
		return
	}
	if size > 0 {
		c.warn("column %s of %s is declared with length %d, which rows written directly do not observe",
			want.name, c.table.name, size)
	}
}

func (c *checker) warnAboutTable() {
	t := c.table
	_, own := splitName(c.index.name)
	for _, name := range t.indexes {
		if name != own {
			c.warn("index %s on %s is not maintained by feedstream: queries that use it miss rows", name, t.name)
		}
	}
	if ttl, _ := t.header.Value(catTTL); len(ttl) > 0 {
		c.warn("table %s has a TTL: it counts from the event time and erases backfilled rows", t.name)
	}
	known := func(name string) bool {
		return name == colRowKey || slices.ContainsFunc(columns, func(w column) bool { return w.name == name })
	}
	for _, name := range slices.Sorted(maps.Keys(t.columns)) {
		if !known(name) && !isKey(t.columns[name]) {
			c.warn("column %s of %s is not written by feedstream", name, t.name)
		}
	}
}

func (c *checker) checkIndex() {
	x := c.index
	_, tableName := splitName(c.table.name)
	if x.header == nil {
		c.differ(IndexDDL(c.table.name, x.name), "index %s does not exist", x.name)
		return
	}
	if kind := text(x.header, catTableType); kind != typeIndex {
		c.differ("set HBASE_INDEX to an index, or "+IndexDDL(c.table.name, x.name),
			"%s is not an index: its TABLE_TYPE is %q", x.name, kind)
		return
	}
	if of := text(x.header, catDataTable); of != tableName {
		c.differ("set HBASE_INDEX to an index of the table, or "+IndexDDL(c.table.name, x.name),
			"index %s belongs to table %q, not to %s", x.name, of, c.table.name)
	}
	c.checkHeader(x, c.recreateIndex())
	if state := text(x.header, catIndexState); state != stateActive {
		_, name := splitName(x.name)
		c.differ(fmt.Sprintf("ALTER INDEX %s ON %s REBUILD", inSQL(name), inSQL(c.table.name)),
			"index %s is not active: its INDEX_STATE is %q (b building, x disabled, i inactive)", x.name, state)
	}
	if kind := indexType(x.header); kind != indexGlobal && kind != indexUncovered {
		c.differ(c.recreateIndex(), "index %s is neither an uncovered nor a plain global index: its INDEX_TYPE is %d",
			x.name, kind)
	}
	if where := text(x.header, catIndexWhere); where != "" {
		c.differ(c.recreateIndex(), "index %s is partial: it holds rows WHERE %s only", x.name, where)
	}
	c.checkIndexColumns()
}

// The columns of the index, named after those of the table with their family in front.
const (
	indexedCode   = Family + ":" + colStockCode
	indexedRowKey = ":" + colRowKey
)

func (c *checker) checkIndexColumns() {
	x := c.index
	var keys, covered []string
	for _, name := range slices.Sorted(maps.Keys(x.columns)) {
		if isKey(x.columns[name]) {
			keys = append(keys, name)
		} else {
			covered = append(covered, name)
		}
	}
	slices.SortStableFunc(keys, func(a, b string) int { return int(keySeq(x.columns[a])) - int(keySeq(x.columns[b])) })
	if want := []string{indexedCode, indexedRowKey}; !slices.Equal(keys, want) {
		c.differ(c.recreateIndex(), "index %s is on (%s) instead of (%s)", x.name,
			strings.Join(keys, ", "), strings.Join(want, ", "))
	}
	if len(covered) > 0 {
		c.differ(c.recreateIndex(), "index %s covers (%s): two writes of one row in the same millisecond could leave "+
			"index and table apart for good", x.name, strings.Join(covered, ", "))
	}
	for _, name := range keys {
		if order := integer(x.columns[name], catSortOrder, sortAscending); order != sortAscending {
			c.differ(c.recreateIndex(), "index %s sorts %s descending", x.name, name)
		}
	}
}

func isEncoded(header *Stored) bool {
	return tinyint(header, catEncoding, encodingPlainNames) != encodingPlainNames
}

func indexType(header *Stored) byte {
	value, _ := header.Value(catIndexType)
	if len(value) != 1 {
		return 0
	}
	return value[0]
}

func isKey(col *catalogColumn) bool {
	value, present := col.Value(catKeySeq)
	return present && len(value) > 0
}

func keySeq(col *catalogColumn) int16 {
	value, _ := col.Value(catKeySeq)
	seq, _ := DecodeSmallint(value) // an unreadable one sorts first, and the keys then differ
	return seq
}

func text(row *Stored, qualifier string) string {
	value, _ := row.Value(qualifier)
	return string(value)
}

func isTrue(row *Stored, qualifier string) bool {
	value, _ := row.Value(qualifier)
	return bytes.Equal(value, []byte{1})
}

// tinyint returns absent when there is no such cell, and -1, which no check accepts, when the cell
// cannot be read.
func tinyint(row *Stored, qualifier string, absent int8) int8 {
	value, _ := row.Value(qualifier)
	if len(value) == 0 {
		return absent
	}
	v, err := DecodeTinyint(value)
	if err != nil {
		return -1
	}
	return v
}

// integer is tinyint for the INTEGER cells of a column's row.
func integer(col *catalogColumn, qualifier string, absent int32) int32 {
	value, _ := col.Value(qualifier)
	if len(value) == 0 {
		return absent
	}
	v, err := DecodeInteger(value)
	if err != nil {
		return -1
	}
	return v
}
