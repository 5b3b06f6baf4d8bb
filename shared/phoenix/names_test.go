package phoenix

import (
	"strings"
	"testing"
)

// Phoenix turns names into upper case unless they are quoted: what a remedy makes must be what is looked for.
func TestStatementsQuoteWhatPhoenixWouldFold(t *testing.T) {
	for _, test := range []struct{ table, index, inTable, inIndex string }{
		{"USER_TEST.STOCK", "USER_TEST.BY_CODE", "EXISTS USER_TEST.STOCK (", "EXISTS BY_CODE ON USER_TEST.STOCK ("},
		{"h5low.stock", "h5low.by_code", `EXISTS "h5low"."stock" (`, `EXISTS "by_code" ON "h5low"."stock" (`},
		{"S.a-b", "S.1", `EXISTS S."a-b" (`, `EXISTS "1" ON S."a-b" (`},
	} {
		if ddl := TableDDL(test.table); !strings.Contains(ddl, test.inTable) {
			t.Errorf("%s: %s", test.table, ddl)
		}
		if ddl := IndexDDL(test.table, test.index); !strings.Contains(ddl, test.inIndex) {
			t.Errorf("%s: %s", test.index, ddl)
		}
	}
	_, _, err := Preflight("low.t", "low.i", nil)
	if err == nil || strings.Contains(err.Error(), " low.t (") || !strings.Contains(err.Error(), `"low"."t"`) {
		t.Errorf("the remedy is %v", err)
	}
}
