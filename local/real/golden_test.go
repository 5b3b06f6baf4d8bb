//go:build real

package real

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"feedstream/shared/phoenix"
)

// goldenTable is a table of shared/phoenix/testdata: rows as they were given to SQL, and the cells
// that Phoenix made of them.
type goldenTable struct {
	Table, Index string
	SQL          []map[string]any
	DataCells    []goldenCell `json:"data_cells"`
	IndexCells   []goldenCell `json:"index_cells"`
}

type goldenCell struct{ Row, Qualifier, Value string }

// testGolden gives the golden rows to SQL once more: Phoenix must make the very cells of the files,
// which the tests of shared/phoenix compare our own bytes with.
func (j *judge) testGolden(t *testing.T) {
	for _, file := range []string{"stock_u.json", "stock_p.json"} {
		t.Run(file, func(t *testing.T) {
			content, err := os.ReadFile("../../shared/phoenix/testdata/" + file)
			if err != nil {
				t.Fatal(err)
			}
			var golden goldenTable
			decoder := json.NewDecoder(strings.NewReader(string(content)))
			decoder.UseNumber()
			if err := decoder.Decode(&golden); err != nil {
				t.Fatal(err)
			}
			indexDDL := phoenix.IndexDDL(golden.Table, golden.Index)
			if file == "stock_p.json" {
				indexDDL = strings.Replace(indexDDL, "UNCOVERED ", "", 1)
			}
			j.query(t, phoenix.TableDDL(golden.Table))
			j.query(t, indexDDL)
			for _, row := range golden.SQL {
				j.query(t, upsert(t, golden.Table, row))
			}
			for name, want := range map[string][]goldenCell{golden.Table: golden.DataCells, golden.Index: golden.IndexCells} {
				if diff := cmp.Diff(sortCells(want), sortCells(j.cells(t, name))); diff != "" {
					t.Errorf("cells of %s (-golden +Phoenix):\n%.3000s", name, diff)
				} else {
					t.Logf("%s: %d cells as in %s", name, len(want), file)
				}
			}
		})
	}
}

// testGoldenCatalog compares what Phoenix writes of table and indexes into its catalog with catalog.json.
// It needs the tables of testGolden.
func (j *judge) testGoldenCatalog(t *testing.T) {
	content, err := os.ReadFile("../../shared/phoenix/testdata/catalog.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string][]goldenCell
	if err := json.Unmarshal(content, &golden); err != nil {
		t.Fatal(err)
	}
	catalog := j.cells(t, phoenix.CatalogTable)
	for name, want := range golden {
		header := hex.EncodeToString([]byte("\x00USER_TEST\x00" + name))
		described := func(c goldenCell) bool { return c.Row == header || strings.HasPrefix(c.Row, header+"00") }
		timeless := func(cells []goldenCell) []goldenCell {
			return slices.DeleteFunc(sortCells(cells), func(c goldenCell) bool {
				return c.Qualifier == "LAST_DDL_TIMESTAMP" || c.Qualifier == "SYNC_INDEX_CREATED_DATE" || !described(c)
			})
		}
		got := timeless(catalog)
		if diff := cmp.Diff(timeless(want), got); diff != "" {
			t.Errorf("the catalog of %s (-golden +Phoenix):\n%.3000s", name, diff)
		} else {
			t.Logf("%s: %d cells as in catalog.json", name, len(got))
		}
	}
}

// testGoldenTypes has Phoenix encode the values of types.json again.
func (j *judge) testGoldenTypes(t *testing.T) {
	content, err := os.ReadFile("../../shared/phoenix/testdata/types.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden []struct{ Type, Value, Hex string }
	if err := json.Unmarshal(content, &golden); err != nil {
		t.Fatal(err)
	}
	for _, value := range golden {
		got := j.query(t, "!bytes "+value.Type+" "+value.Value)
		if len(got) != 1 || got[0][0] != value.Hex {
			t.Errorf("%s %s is %v in Phoenix, %s in types.json", value.Type, value.Value, got, value.Hex)
		}
	}
	t.Logf("%d values as in types.json", len(golden))
}

func (j *judge) cells(t *testing.T, table string) (cells []goldenCell) {
	t.Helper()
	for row, err := range j.client.Scan(t.Context(), table, phoenix.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range row.Cells {
			cells = append(cells, goldenCell{hex.EncodeToString(row.Key), c.Qualifier, hex.EncodeToString(c.Value)})
		}
	}
	return cells
}

func sortCells(cells []goldenCell) []goldenCell {
	return slices.SortedFunc(slices.Values(cells), func(a, b goldenCell) int {
		return strings.Compare(a.Row+" "+a.Qualifier, b.Row+" "+b.Qualifier)
	})
}

// upsert is the statement that writes one row.
func upsert(t *testing.T, table string, row map[string]any) string {
	t.Helper()
	var values []string
	for _, column := range []string{"ROWKEY", "STOCK_CODE", "STOCK_NAME", "LAST_PRICE", "TIMESTAMP", "MATCHED",
		"REFERENCE_VERSION", "SOURCE_TOPIC", "SOURCE_PARTITION", "SOURCE_OFFSET"} {
		value, isText := row[column].(string)
		switch {
		case row[column] == nil:
			values = append(values, "NULL")
		case column == "TIMESTAMP":
			at, err := time.Parse(time.RFC3339Nano, value)
			if err != nil {
				t.Fatal(err)
			}
			if at.Year() == 1 {
				at = at.AddDate(0, 0, 2) // as text SQL takes it in the Julian calendar, two days apart in that year
			}
			values = append(values, "TIMESTAMP '"+at.UTC().Format("2006-01-02 15:04:05.999999999")+"'")
		case isText && column != "LAST_PRICE":
			values = append(values, "'"+strings.ReplaceAll(value, "'", "''")+"'")
		default:
			values = append(values, fmt.Sprint(row[column]))
		}
	}
	return "UPSERT INTO " + table + " (" + columns + ") VALUES (" + strings.Join(values, ", ") + ")"
}
