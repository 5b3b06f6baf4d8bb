package hbase

import (
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"feedstream/local/services/hbase/internal/store"
)

// catalogFile holds cells of a live SYSTEM.CATALOG, see resources/README.md.
//
//go:embed resources/catalog.json
var catalogFile []byte

// saltBuckets is the number of regions of a Phoenix table with SALT_BUCKETS=16.
const saltBuckets = 16

// DefaultTables are the tables of a feed under the names of catalog.json.
func DefaultTables() ([]Table, error) { return FeedTables(recorded.Table(), recorded.Index()) }

// FeedTables are the tables of a feed: the data table and its index, under their Phoenix names (SCHEMA.NAME, both
// in one schema), salted over 16 regions each, and the SYSTEM.CATALOG that describes them to whoever checks the
// layout. The caller may change what it gets.
func FeedTables(table, index string) ([]Table, error) {
	named, err := namesOf(table, index)
	if err != nil {
		return nil, err
	}
	catalog, err := catalogCells(named)
	if err != nil {
		return nil, err
	}
	families := []Family{{Name: "0", Versions: 1}}
	return []Table{
		{Name: "SYSTEM.CATALOG", Families: families, Cells: catalog},
		{Name: table, Families: families, SplitKeys: saltSplits()},
		{Name: index, Families: families, SplitKeys: saltSplits()},
	}, nil
}

// names are those of a table and its index apart from their schema.
type names struct{ schema, table, index string }

// recorded are the names in catalog.json.
var recorded = names{"USER_TEST", "STOCK", "STOCK_CODE_INDEX"}

func (n names) Table() string { return n.schema + "." + n.table }
func (n names) Index() string { return n.schema + "." + n.index }

func namesOf(table, index string) (names, error) {
	schema, name, found := strings.Cut(table, ".")
	ofIndex, inSchema := strings.CutPrefix(index, schema+".")
	if !found || !inSchema || schema == "" || name == "" || ofIndex == "" || strings.Contains(name+ofIndex, ".") {
		return names{}, fmt.Errorf("table %q with index %q: write both as SCHEMA.NAME, in one schema", table, index)
	}
	return names{schema, name, ofIndex}, nil
}

func saltSplits() [][]byte {
	var keys [][]byte
	for salt := 1; salt < saltBuckets; salt++ {
		keys = append(keys, []byte{byte(salt)})
	}
	return keys
}

// catalogCells are the recorded cells as they would be under other names.
func catalogCells(named names) ([]store.Seed, error) {
	type entry struct {
		Row, Family, Qualifier, Value string
		Timestamp                     int64
	}
	var file map[string][]entry
	if err := json.Unmarshal(catalogFile, &file); err != nil {
		return nil, fmt.Errorf("read catalog.json: %w", err)
	}
	var cells []store.Seed
	for _, e := range append(file[recorded.table], file[recorded.index]...) {
		row, err := hex.DecodeString(e.Row)
		if err != nil {
			return nil, fmt.Errorf("read catalog.json: row %s: %w", e.Row, err)
		}
		value, err := hex.DecodeString(e.Value)
		if err != nil {
			return nil, fmt.Errorf("read catalog.json: value of %s: %w", e.Qualifier, err)
		}
		if e.Qualifier == "DATA_TABLE_NAME" {
			value = []byte(named.table)
		}
		cells = append(cells, store.Seed{
			Row: named.inKey(row), Family: e.Family, Qualifier: e.Qualifier, Timestamp: e.Timestamp, Value: value,
		})
	}
	return cells, nil
}

// inKey puts the names into a recorded row key: tenant, schema, table, column and family, separated by NUL. The
// link of a table to its index has the index in the place of the family.
func (n names) inKey(row []byte) []byte {
	parts := strings.Split(string(row), "\x00")
	parts[1] = n.schema
	switch {
	case parts[2] == recorded.index:
		parts[2] = n.index
	default:
		parts[2] = n.table
	}
	if len(parts) == 5 && parts[3] == "" {
		parts[4] = n.index
	}
	return []byte(strings.Join(parts, "\x00"))
}
