package doctor

import (
	"context"
	"errors"
	"strings"

	"feedstream/shared/phoenix"
)

// Catalog reads the rows of SYSTEM.CATALOG that describe a table and its index.
type Catalog interface {
	Catalog(ctx context.Context, table, index string) ([]phoenix.Stored, error)
}

// Table checks that HBase answers and that table and index are laid out as the functions write them;
// each difference comes with the DDL that mends it.
func Table(ctx context.Context, zookeeper string, catalog Catalog, table, index string) []Finding {
	const check = "HBase"
	rows, err := catalog.Catalog(ctx, table, index)
	if err != nil {
		return []Finding{bad(check, "start HBase with Phoenix, or correct HBASE_ZOOKEEPER and HBASE_ZOOKEEPER_ROOT;"+
			" the host names that the region servers announce must be known here", "%s: %v", zookeeper, err)}
	}
	findings := []Finding{good(check, "%s answers", zookeeper)}
	layout := "table " + table
	_, warnings, err := phoenix.Preflight(table, index, rows)
	var differs *phoenix.LayoutError
	switch {
	case errors.As(err, &differs):
		for _, d := range differs.Differences {
			findings = append(findings, bad(layout, d.Remedy, "%s", d.What))
		}
	case err != nil:
		findings = append(findings, bad(layout, "correct HBASE_TABLE and HBASE_INDEX", "%v", err))
	default:
		findings = append(findings, good(layout, "table and index are laid out as the functions write them"))
	}
	if len(warnings) > 0 {
		findings = append(findings, good(layout, "mind: %s", strings.Join(warnings, "; ")))
	}
	return findings
}
