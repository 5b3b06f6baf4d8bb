package hbase

import (
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// catalogFile holds cells of a live SYSTEM.CATALOG, see resources/README.md.
//
//go:embed resources/catalog.json
var catalogFile []byte

// saltBuckets is the number of regions of a Phoenix table with SALT_BUCKETS=16.
const saltBuckets = 16

// DefaultTables are the tables of the feed: USER_TEST.STOCK and its index USER_TEST.STOCK_CODE_INDEX, salted over
// 16 regions each, and the SYSTEM.CATALOG that describes them to whoever checks the layout. The caller may change
// what it gets.
func DefaultTables() ([]Table, error) {
	catalog, err := catalogCells("STOCK", "STOCK_CODE_INDEX")
	if err != nil {
		return nil, err
	}
	families := []Family{{Name: "0", Versions: 1}}
	return []Table{
		{Name: "SYSTEM.CATALOG", Families: families, Cells: catalog},
		{Name: "USER_TEST.STOCK", Families: families, SplitKeys: saltSplits()},
		{Name: "USER_TEST.STOCK_CODE_INDEX", Families: families, SplitKeys: saltSplits()},
	}, nil
}

func saltSplits() [][]byte {
	var keys [][]byte
	for salt := 1; salt < saltBuckets; salt++ {
		keys = append(keys, []byte{byte(salt)})
	}
	return keys
}

func catalogCells(entries ...string) ([]Cell, error) {
	type entry struct {
		Row, Family, Qualifier, Value string
		Timestamp                     int64
	}
	var file map[string][]entry
	if err := json.Unmarshal(catalogFile, &file); err != nil {
		return nil, fmt.Errorf("read catalog.json: %w", err)
	}
	var cells []Cell
	for _, name := range entries {
		for _, e := range file[name] {
			row, err := hex.DecodeString(e.Row)
			if err != nil {
				return nil, fmt.Errorf("read catalog.json: row %s: %w", e.Row, err)
			}
			value, err := hex.DecodeString(e.Value)
			if err != nil {
				return nil, fmt.Errorf("read catalog.json: value of %s: %w", e.Qualifier, err)
			}
			cells = append(cells, Cell{Row: row, Family: e.Family, Qualifier: e.Qualifier, Timestamp: e.Timestamp, Value: value})
		}
	}
	return cells, nil
}
