//go:build real

package real

import (
	"strings"
	"testing"
	"time"

	"feedstream/shared/hbase"
	"feedstream/shared/phoenix"
)

// TestNamespaceMapping starts an HBase whose Phoenix maps schemas to namespaces: nothing lies where the
// functions look for it, and the error says so.
func TestNamespaceMapping(t *testing.T) {
	h := startHBase(t, map[string]string{
		"phoenix.schema.isNamespaceMappingEnabled": "true", "phoenix.schema.mapSystemTablesToNamespace": "true",
	}, nil)
	for _, statement := range []string{"CREATE SCHEMA USER_TEST", phoenix.TableDDL(table), phoenix.IndexDDL(table, index)} {
		if _, err := h.SQL.Query(statement); err != nil {
			t.Fatal(err)
		}
	}
	client, err := hbase.New(hbase.Config{ZooKeeper: h.ZooKeeper, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	_, err = client.Catalog(t.Context(), table, index)
	if err == nil || !strings.Contains(err.Error(), "phoenix.schema.isNamespaceMappingEnabled") {
		t.Errorf("error = %v, want it to name the setting", err)
	}
}

// Each table is refused with the difference and its remedy.
func (j *judge) testRefusals(t *testing.T) {
	for name, test := range map[string]struct{ ddl, want string }{
		"unsalted":        {strings.Replace(phoenix.TableDDL("USER_TEST.T1"), "SALT_BUCKETS=16, ", "", 1), "not salted"},
		"encoded columns": {strings.Replace(phoenix.TableDDL("USER_TEST.T2"), "COLUMN_ENCODED_BYTES=0", "COLUMN_ENCODED_BYTES=2", 1), "encoded column names"},
		"other type":      {strings.Replace(phoenix.TableDDL("USER_TEST.T3"), "DECIMAL(18,4)", "DOUBLE", 1), "LAST_PRICE"},
		"no STORE_NULLS":  {strings.Replace(phoenix.TableDDL("USER_TEST.T4"), ", STORE_NULLS=true", "", 1), "STORE_NULLS"},
		"no index":        {phoenix.TableDDL("USER_TEST.T5"), "does not exist"},
		"covered index":   {phoenix.TableDDL("USER_TEST.T6") + ";CREATE INDEX T6_INDEX ON USER_TEST.T6 (STOCK_CODE) INCLUDE (LAST_PRICE)", "covers (0:LAST_PRICE)"},
		"disabled index": {phoenix.TableDDL("USER_TEST.T7") + ";" + phoenix.IndexDDL("USER_TEST.T7", "USER_TEST.T7_INDEX") +
			";ALTER INDEX T7_INDEX ON USER_TEST.T7 DISABLE", "is not active"},
	} {
		t.Run(name, func(t *testing.T) {
			created := strings.Fields(test.ddl)[5]
			for _, statement := range strings.Split(test.ddl, ";") {
				j.query(t, statement)
			}
			rows, err := j.client.Catalog(t.Context(), created, created+"_INDEX")
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := phoenix.Preflight(created, created+"_INDEX", rows); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want %q", err, test.want)
			}
		})
	}
}
