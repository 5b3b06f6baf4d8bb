package phoenix

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	stockTable = "USER_TEST.STOCK"
	stockIndex = "USER_TEST.STOCK_CODE_INDEX"
)

// catalog is the golden catalog, to be changed by a test.
type catalog struct{ rows []Stored }

func goldenCatalog(t testing.TB) *catalog {
	t.Helper()
	var golden map[string][]goldenCell
	readJSON(t, "catalog.json", &golden)
	c := new(catalog)
	for _, name := range []string{"STOCK", "STOCK_CODE_INDEX"} {
		for _, cell := range golden[name] {
			c.set(unhex(t, cell.Row), cell.Qualifier, unhex(t, cell.Value))
		}
	}
	return c
}

func (c *catalog) set(key []byte, qualifier string, value []byte) {
	row := find(c.rows, key)
	if row == nil {
		c.rows = append(c.rows, Stored{Key: key})
		row = &c.rows[len(c.rows)-1]
	}
	c.unset(key, qualifier)
	row.Cells = append(row.Cells, Cell{Qualifier: qualifier, Value: value})
}

func (c *catalog) unset(key []byte, qualifier string) {
	row := find(c.rows, key)
	row.Cells = slices.DeleteFunc(row.Cells, func(cell Cell) bool { return cell.Qualifier == qualifier })
}

// drop takes the row and everything below it away.
func (c *catalog) drop(key []byte) {
	c.rows = slices.DeleteFunc(c.rows, func(s Stored) bool {
		return bytes.Equal(s.Key, key) || bytes.HasPrefix(s.Key, append(bytes.Clone(key), 0))
	})
}

func (c *catalog) rename(from, to []byte) { find(c.rows, from).Key = to }

func tableKey(parts ...string) []byte {
	return []byte(strings.Join(append([]string{"", "USER_TEST", "STOCK"}, parts...), "\x00"))
}

func indexKey(parts ...string) []byte {
	return []byte(strings.Join(append([]string{"", "USER_TEST", "STOCK_CODE_INDEX"}, parts...), "\x00"))
}

func TestPreflightAcceptsGolden(t *testing.T) {
	c := goldenCatalog(t)
	layout, warnings, err := Preflight(stockTable, stockIndex, c.rows)
	if err != nil || len(warnings) != 0 {
		t.Fatalf("Preflight: %v, warnings %q", err, warnings)
	}
	want := Layout{Table: stockTable, Index: stockIndex, SaltBuckets: 16, IndexSaltBuckets: 16, Uncovered: true,
		Fingerprint: layout.Fingerprint}
	if diff := cmp.Diff(want, layout); diff != "" {
		t.Errorf("layout (-want +got):\n%s", diff)
	}
}

func TestPreflightAcceptsPlainIndexAndOtherSalts(t *testing.T) {
	c := goldenCatalog(t)
	c.set(indexKey(), catIndexType, []byte{1})
	c.set(indexKey(), catSaltBuckets, AppendInteger(nil, 3))
	c.set(tableKey(), catSaltBuckets, AppendInteger(nil, 256))
	c.unset(tableKey(), catEncoding)
	layout, warnings, err := Preflight(stockTable, stockIndex, c.rows)
	if err != nil || len(warnings) != 0 {
		t.Fatalf("Preflight: %v, warnings %q", err, warnings)
	}
	if layout.Uncovered || layout.SaltBuckets != 256 || layout.IndexSaltBuckets != 3 {
		t.Errorf("layout %+v", layout)
	}
}

// TestPreflightAcceptsGoldenPlainIndex: the third table of the golden file is a plain index, as
// Phoenix describes it.
func TestPreflightAcceptsGoldenPlainIndex(t *testing.T) {
	var golden map[string][]goldenCell
	readJSON(t, "catalog.json", &golden)
	c := goldenCatalog(t)
	for _, cell := range golden["STOCK_P_IDX"] {
		c.set(unhex(t, cell.Row), cell.Qualifier, unhex(t, cell.Value))
	}
	c.set([]byte("\x00USER_TEST\x00STOCK_P_IDX"), catDataTable, []byte("STOCK")) // it belongs to a table of its own
	layout, _, err := Preflight(stockTable, "USER_TEST.STOCK_P_IDX", c.rows)
	if err != nil || layout.Uncovered {
		t.Errorf("Preflight = %+v, %v", layout, err)
	}
}

func TestPreflightRefuses(t *testing.T) {
	no, yes := []byte{0}, []byte{1}
	integer := func(v int32) []byte { return AppendInteger(nil, v) }
	price, name, code := tableKey("LAST_PRICE", "0"), tableKey("STOCK_NAME", "0"), tableKey(colStockCode, "0")
	for title, tc := range map[string]struct {
		change func(*catalog)
		says   string // in the difference
		remedy string
	}{
		"table missing":       {func(c *catalog) { c.drop(tableKey()) }, "table USER_TEST.STOCK does not exist", "CREATE TABLE"},
		"table unsalted":      {func(c *catalog) { c.unset(tableKey(), catSaltBuckets) }, "USER_TEST.STOCK is not salted", "DROP TABLE"},
		"salt beyond 256":     {func(c *catalog) { c.set(tableKey(), catSaltBuckets, integer(257)) }, "not salted", "DROP TABLE"},
		"encoded":             {func(c *catalog) { c.set(tableKey(), catEncoding, []byte{0x82}) }, "encoded column names (ENCODING_SCHEME 2)", "COLUMN_ENCODED_BYTES=0"},
		"unreadable scheme":   {func(c *catalog) { c.set(tableKey(), catEncoding, []byte("two")) }, "encoded column names", "COLUMN_ENCODED_BYTES=0"},
		"encoded column":      {func(c *catalog) { c.set(price, catQualifier, []byte{0x80, 0x0d}) }, "LAST_PRICE of USER_TEST.STOCK has the qualifier", "COLUMN_ENCODED_BYTES=0"},
		"single cell":         {func(c *catalog) { c.set(tableKey(), catStorage, []byte{0x82}) }, "single cell", "DROP TABLE"},
		"no STORE_NULLS":      {func(c *catalog) { c.unset(tableKey(), catStoreNulls) }, "without STORE_NULLS", "SET STORE_NULLS=true"},
		"STORE_NULLS off":     {func(c *catalog) { c.set(tableKey(), catStoreNulls, no) }, "without STORE_NULLS", "SET STORE_NULLS=true"},
		"multi-tenant":        {func(c *catalog) { c.set(tableKey(), catMultiTenant, yes) }, "multi-tenant", "DROP TABLE"},
		"namespace mapped":    {func(c *catalog) { c.set(tableKey(), catNamespaceMapped, yes) }, "namespace", "isNamespaceMappingEnabled=false"},
		"own family":          {func(c *catalog) { c.set(tableKey(), catDefaultFamily, []byte("cf")) }, `family "cf"`, "DROP TABLE"},
		"transactional":       {func(c *catalog) { c.set(tableKey(), catTransactions, yes) }, "transactional", "DROP TABLE"},
		"a view":              {func(c *catalog) { c.set(tableKey(), catTableType, []byte("v")) }, "is not a table", "HBASE_TABLE"},
		"price DECIMAL(12,4)": {func(c *catalog) { c.set(price, catColumnSize, integer(12)) }, "is DECIMAL(12,4) instead of DECIMAL(18,4)", "DROP TABLE"},
		"price DECIMAL(18,2)": {func(c *catalog) { c.set(price, catDecimalDigits, integer(2)) }, "is DECIMAL(18,2)", "DROP TABLE"},
		"price unlimited":     {func(c *catalog) { c.unset(price, catColumnSize); c.unset(price, catDecimalDigits) }, "is DECIMAL(0,0)", "DROP TABLE"},
		"price DOUBLE":        {func(c *catalog) { c.set(price, catDataType, integer(8)) }, "SQL type 8 instead of 3", "DROP TABLE"},
		"column missing":      {func(c *catalog) { c.drop(name) }, "column STOCK_NAME is missing", "ALTER TABLE USER_TEST.STOCK ADD STOCK_NAME VARCHAR"},
		"time missing":        {func(c *catalog) { c.drop(tableKey(colTimestamp, "0")) }, "column TIMESTAMP is missing", `ADD "TIMESTAMP" TIMESTAMP`},
		"column elsewhere":    {func(c *catalog) { c.rename(name, tableKey("STOCK_NAME", "cf")) }, `family "cf"`, "DROP TABLE"},
		"column NOT NULL":     {func(c *catalog) { c.set(name, catNullable, integer(0)) }, "STOCK_NAME of USER_TEST.STOCK is NOT NULL", "DROP TABLE"},
		"other primary key":   {func(c *catalog) { c.rename(tableKey(colRowKey), tableKey("ID")) }, "column ID of USER_TEST.STOCK belongs to the primary key", "DROP TABLE"},
		"no primary key":      {func(c *catalog) { c.drop(tableKey(colRowKey)) }, "no primary key ROWKEY VARCHAR", "DROP TABLE"},
		"longer primary key":  {func(c *catalog) { c.set(code, catKeySeq, appendSmallint(nil, 2)) }, "STOCK_CODE of USER_TEST.STOCK belongs to the primary key", "DROP TABLE"},
		"key BIGINT":          {func(c *catalog) { c.set(tableKey(colRowKey), catDataType, integer(-5)) }, "column ROWKEY of USER_TEST.STOCK has SQL type -5", "DROP TABLE"},
		"key descending":      {func(c *catalog) { c.set(tableKey(colRowKey), catSortOrder, integer(1)) }, "sorted descending", "DROP TABLE"},
		"index missing":       {func(c *catalog) { c.drop(indexKey()) }, "index USER_TEST.STOCK_CODE_INDEX does not exist", "CREATE UNCOVERED INDEX"},
		"index is a table":    {func(c *catalog) { c.set(indexKey(), catTableType, []byte("u")) }, "is not an index", "HBASE_INDEX"},
		"index of another":    {func(c *catalog) { c.set(indexKey(), catDataTable, []byte("OTHER")) }, `belongs to table "OTHER"`, "HBASE_INDEX"},
		"index unsalted":      {func(c *catalog) { c.unset(indexKey(), catSaltBuckets) }, "USER_TEST.STOCK_CODE_INDEX is not salted", "DROP INDEX"},
		"index encoded":       {func(c *catalog) { c.set(indexKey(), catEncoding, []byte{0x82}) }, "USER_TEST.STOCK_CODE_INDEX has encoded", "DROP INDEX"},
		"index disabled":      {func(c *catalog) { c.set(indexKey(), catIndexState, []byte("x")) }, `INDEX_STATE is "x"`, "ALTER INDEX STOCK_CODE_INDEX ON USER_TEST.STOCK REBUILD"},
		"index building":      {func(c *catalog) { c.set(indexKey(), catIndexState, []byte("b")) }, "not active", "REBUILD"},
		"index local":         {func(c *catalog) { c.set(indexKey(), catIndexType, []byte{2}) }, "INDEX_TYPE is 2", "DROP INDEX"},
		"index partial":       {func(c *catalog) { c.set(indexKey(), catIndexWhere, []byte("LAST_PRICE > 1")) }, "WHERE LAST_PRICE > 1", "DROP INDEX"},
		"index covered":       {func(c *catalog) { c.set(indexKey("0:STOCK_NAME", "0"), catDataType, integer(12)) }, "covers (0:STOCK_NAME)", "DROP INDEX"},
		"index on another":    {func(c *catalog) { c.rename(indexKey("0:STOCK_CODE"), indexKey("0:STOCK_NAME")) }, "is on (0:STOCK_NAME, :ROWKEY)", "DROP INDEX"},
		"index on two": {func(c *catalog) { c.set(indexKey("0:MATCHED"), catKeySeq, appendSmallint(nil, 3)) },
			"is on (0:STOCK_CODE, :ROWKEY, 0:MATCHED)", "DROP INDEX"},
		"index reversed": {func(c *catalog) {
			c.set(indexKey("0:STOCK_CODE"), catKeySeq, appendSmallint(nil, 2))
			c.set(indexKey(":ROWKEY"), catKeySeq, appendSmallint(nil, 1))
		}, "is on (:ROWKEY, 0:STOCK_CODE)", "DROP INDEX"},
		"index descending": {func(c *catalog) { c.set(indexKey("0:STOCK_CODE"), catSortOrder, integer(1)) }, "sorts 0:STOCK_CODE descending", "DROP INDEX"},
	} {
		t.Run(title, func(t *testing.T) {
			c := goldenCatalog(t)
			tc.change(c)
			_, _, err := Preflight(stockTable, stockIndex, c.rows)
			var refused *LayoutError
			if !errors.As(err, &refused) {
				t.Fatalf("Preflight: %v, want a *LayoutError", err)
			}
			found := slices.ContainsFunc(refused.Differences, func(d Difference) bool {
				return strings.Contains(d.What, tc.says) && strings.Contains(d.Remedy, tc.remedy)
			})
			if !found {
				t.Errorf("no difference says %q with remedy %q:\n%v", tc.says, tc.remedy, err)
			}
		})
	}
}

// TestPreflightListsEverything: several faults are reported at once.
func TestPreflightListsEverything(t *testing.T) {
	c := goldenCatalog(t)
	c.unset(tableKey(), catSaltBuckets)
	c.unset(tableKey(), catStoreNulls)
	c.drop(tableKey("MATCHED", "0"))
	c.set(indexKey(), catIndexState, []byte("x"))
	_, _, err := Preflight(stockTable, stockIndex, c.rows)
	var refused *LayoutError
	if !errors.As(err, &refused) || len(refused.Differences) != 4 {
		t.Errorf("Preflight: %v, want 4 differences", err)
	}
	if text := err.Error(); strings.Count(text, TableDDL(stockTable)) != 1 {
		t.Errorf("the remedy of one difference stands more or less than once:\n%s", text)
	}
	if _, _, err := Preflight(stockTable, stockIndex, nil); !errors.As(err, &refused) || len(refused.Differences) != 2 {
		t.Errorf("Preflight of nothing: %v, want 2 differences", err)
	}
}

func TestPreflightWarns(t *testing.T) {
	c := goldenCatalog(t)
	c.set(tableKey("", "OTHER_INDEX"), catLinkType, []byte{1})
	c.set(tableKey("", "A_VIEW"), catLinkType, []byte{4})
	c.set(tableKey(), catTTL, AppendInteger(nil, 86400))
	c.set(tableKey("REMARK", "0"), catDataType, AppendInteger(nil, 12))
	c.set(tableKey("STOCK_NAME", "0"), catColumnSize, AppendInteger(nil, 40))
	_, warnings, err := Preflight(stockTable, stockIndex, c.rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"index OTHER_INDEX", "TTL", "column REMARK", "STOCK_NAME of USER_TEST.STOCK is declared with length 40"} {
		if !slices.ContainsFunc(warnings, func(w string) bool { return strings.Contains(w, says) }) {
			t.Errorf("no warning says %q: %q", says, warnings)
		}
	}
	if len(warnings) != 4 {
		t.Errorf("%d warnings, want 4: %q", len(warnings), warnings)
	}
}

func TestCheckNames(t *testing.T) {
	for _, tc := range []struct {
		table, index string
		ok           bool
	}{
		{stockTable, stockIndex, true},
		{"STOCK", "STOCK_CODE_INDEX", true},
		{"USER_TEST.STOCK", "STOCK_CODE_INDEX", false},
		{"USER_TEST:STOCK", "USER_TEST:STOCK_CODE_INDEX", false},
		{"", "", false},
		{"USER_TEST.", "USER_TEST.I", false},
		{"A.B.C", "A.I", false},
		{"h5low.stock", "h5low.by_code", true},
		{`"h5low"."stock"`, `"h5low"."by_code"`, false},
		{"A.B", "A. I", false},
	} {
		if err := CheckNames(tc.table, tc.index); (err == nil) != tc.ok {
			t.Errorf("CheckNames(%q, %q) = %v", tc.table, tc.index, err)
		}
	}
}

func TestFingerprint(t *testing.T) {
	base := goldenCatalog(t)
	was := Fingerprint(stockTable, stockIndex, base.rows)
	slices.Reverse(base.rows)
	if got := Fingerprint(stockTable, stockIndex, base.rows); got != was {
		t.Errorf("the order of the rows matters: %s, %s", was, got)
	}
	for title, change := range map[string]func(*catalog){
		"DDL on the table": func(c *catalog) { c.set(tableKey(), catLastDDL, AppendBigint(nil, 1)) },
		"column added":     func(c *catalog) { c.set(tableKey(), catSequence, AppendBigint(nil, 1)) },
		"index disabled":   func(c *catalog) { c.set(indexKey(), catIndexState, []byte("x")) },
		"index dropped":    func(c *catalog) { c.drop(indexKey()) },
		"table dropped":    func(c *catalog) { c.drop(tableKey()) },
	} {
		c := goldenCatalog(t)
		change(c)
		if Fingerprint(stockTable, stockIndex, c.rows) == was {
			t.Errorf("%s: the fingerprint is the same", title)
		}
	}
}

func TestCatalogRangesHoldGolden(t *testing.T) {
	ranges := CatalogRanges(stockTable, stockIndex)
	for _, row := range goldenCatalog(t).rows {
		if !slices.ContainsFunc(ranges, func(r Range) bool {
			return bytes.Compare(row.Key, r.Start) >= 0 && bytes.Compare(row.Key, r.Stop) < 0
		}) {
			t.Errorf("no range holds %q", row.Key)
		}
	}
}

func TestDDL(t *testing.T) {
	want := `CREATE TABLE IF NOT EXISTS USER_TEST.STOCK (
  ROWKEY VARCHAR PRIMARY KEY,
  STOCK_CODE VARCHAR,
  STOCK_NAME VARCHAR,
  LAST_PRICE DECIMAL(18,4),
  "TIMESTAMP" TIMESTAMP,
  MATCHED BOOLEAN,
  REFERENCE_VERSION VARCHAR,
  SOURCE_TOPIC VARCHAR,
  SOURCE_PARTITION INTEGER,
  SOURCE_OFFSET BIGINT
) SALT_BUCKETS=16, COLUMN_ENCODED_BYTES=0, STORE_NULLS=true`
	if diff := cmp.Diff(want, TableDDL(stockTable)); diff != "" {
		t.Errorf("TableDDL (-want +got):\n%s", diff)
	}
	const index = "CREATE UNCOVERED INDEX IF NOT EXISTS STOCK_CODE_INDEX ON USER_TEST.STOCK (STOCK_CODE) SALT_BUCKETS=16"
	if diff := cmp.Diff(index, IndexDDL(stockTable, stockIndex)); diff != "" {
		t.Errorf("IndexDDL (-want +got):\n%s", diff)
	}
}

// FuzzPreflight: no catalog makes it panic.
func FuzzPreflight(f *testing.F) {
	f.Add(uint(0), []byte("x"), false)
	f.Add(uint(11), []byte{0x80, 0, 0, 0}, true)
	golden := goldenCatalog(f)
	f.Fuzz(func(_ *testing.T, at uint, value []byte, cut bool) {
		var rows []Stored
		n := uint(0)
		for _, row := range golden.rows {
			changed := Stored{Key: row.Key}
			if cut && at%uint(len(golden.rows)) == uint(len(rows)) {
				changed.Key = append(bytes.Clone(row.Key), value...)
			}
			for _, c := range row.Cells {
				if n == at {
					c.Value = value
				}
				n++
				changed.Cells = append(changed.Cells, c)
			}
			rows = append(rows, changed)
		}
		_, _, _ = Preflight(stockTable, stockIndex, rows)
		Fingerprint(stockTable, stockIndex, rows)
	})
}
