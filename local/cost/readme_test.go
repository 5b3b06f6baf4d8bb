package cost

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of costs and sizes into the README")

const readme, tablesBegin, tablesEnd = "../../README.md", "<!-- cost -->\n", "<!-- /cost -->\n"

// The README's tables are what `cost` and `plan` reckon with the committed run and prices.
// `go test ./local/cost -run TestReadmeTables -update` writes them anew.
func TestReadmeTables(t *testing.T) {
	b, err := Files{Manifest: "../../s.yaml"}.Read()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(content), tablesBegin)
	_, after, ended := strings.Cut(rest, tablesEnd)
	if !begun || !ended {
		t.Fatalf("%s has no place for the tables", readme)
	}
	want := before + tablesBegin + tables(t, b) + tablesEnd + after
	switch {
	case *update:
		if err := os.WriteFile(readme, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	case string(content) != want:
		t.Error("the README's tables are not what the verbs reckon: run the test with -update")
	}
}

func tables(t *testing.T, b Basis) string {
	var plans []Plan
	for _, rate := range []float64{1e3, 1e5, 1e6} {
		p, err := MakePlan(Load{Rate: rate, RecordBytes: 200}, Keyspace{Keys: 1e8, SaltBuckets: 16, RowsPerServer: 50_000}, b)
		if err != nil {
			t.Fatal(err)
		}
		plans = append(plans, p)
	}
	var text strings.Builder
	line := func(name string, cell func(Plan) string) {
		fmt.Fprintf(&text, "| %s |", name)
		for _, p := range plans {
			fmt.Fprintf(&text, " %s |", cell(p))
		}
		text.WriteString("\n")
	}
	line("records/s of 200 bytes", func(p Plan) string { return Number(p.Load.Rate) })
	text.WriteString("|---|---|---|---|\n")
	line("partitions, tasks", func(p Plan) string { return Number(p.Partitions) + ", " + Number(p.Tasks) })
	line("pushes/s; at a time", func(p Plan) string { return Number(p.Pushes) + "; " + Number(p.Deliveries) })
	line("instances; GB together", func(p Plan) string { return Number(p.Instances) + "; " + Number(p.MemoryGB) })
	line("HBase rows/s; calls/s", func(p Plan) string { return Number(p.Rows) + "; " + Number(p.Requests) })
	line("regions; region servers", func(p Plan) string { return Number(p.Regions) + "; " + Number(p.Servers) })
	line("Kafka in, out; HBase in, Mbit/s", func(p Plan) string {
		return Number(p.KafkaIn/1e6) + ", " + Number(p.KafkaOut/1e6) + "; " + Number(p.ToHBase/1e6)
	})
	line("compute units a month", func(p Plan) string { return Number(p.Bills[0].Use.All()) })
	for site := range plans[0].Bills {
		currency := plans[0].Bills[site].Currency
		line("Function Compute, "+currency, func(p Plan) string { return Amount(&p.Bills[site].Compute) })
		line("event stream by volume; by capacity, "+currency, func(p Plan) string {
			return Amount(p.Bills[site].ByVolume) + "; " + Amount(p.Bills[site].ByCapacity)
		})
		line("both, the stream the cheaper way, "+currency, func(p Plan) string { return Amount(p.Bills[site].Total) })
	}
	line("first limit met", func(p Plan) string { return p.Limits[0].Name + ", at " + Number(p.Limits[0].MetAt) + "/s" })
	return text.String()
}
