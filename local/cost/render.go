package cost

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Render prints bills for people, one column a site.
func (b Basis) Render(w io.Writer, bills []Bill) {
	if len(bills) == 0 {
		return
	}
	first, m := bills[0], b.Measured
	fmt.Fprintf(w, "%s records/s of %s bytes: %s records in 30 days, in %s pushes\n", Number(first.Load.Rate), Number(first.Load.RecordBytes),
		Number(first.Records), Number(first.Pushes))
	fmt.Fprintf(w, "%s CPU seconds per million records (%s)\n", Number(m.CPUSeconds), m.Command)
	fmt.Fprintf(w, "assumed: an instance computes in %s %% of its billed time, moves %s Mbit/s, starts once an hour in %g s; a refresh takes %g s\n",
		Number(100*m.Busy), Number(m.Network/1e6), m.StartTime, m.Refresh)
	fmt.Fprintf(w, "prices of %s\n\n", b.Prices.Date)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, units float64, amount func(Bill) *float64) {
		fmt.Fprintf(table, "%s\t%s\t", name, countOf(units))
		for _, bill := range bills {
			fmt.Fprintf(table, "%s\t", Amount(amount(bill)))
		}
		fmt.Fprintln(table)
	}
	fmt.Fprintf(table, "\tCU\t")
	for _, bill := range bills {
		fmt.Fprintf(table, "%s, %s\t", bill.Site, bill.Currency)
	}
	fmt.Fprintln(table)
	for _, part := range []struct {
		name  string
		units float64
	}{{"calls", first.Use.Calls}, {"work", first.Use.Work}, {"refresh", first.Use.Refresh}, {"initialisers", first.Use.Initialisers}} {
		fmt.Fprintf(table, "%s\t%s\t%s\n", part.name, countOf(part.units), strings.Repeat("\t", len(bills)))
	}
	row("compute", first.Use.All(), func(b Bill) *float64 { return &b.Compute })
	row("least price of the hours, beyond that", math.NaN(), func(b Bill) *float64 { return b.Minimum })
	row("event stream by volume", math.NaN(), func(b Bill) *float64 { return b.ByVolume })
	row(fmt.Sprintf("event stream by capacity, %g units", first.StreamUnits), math.NaN(), func(b Bill) *float64 { return b.ByCapacity })
	row("total, with the cheaper stream", math.NaN(), func(b Bill) *float64 { return b.Total })
	_ = table.Flush()
	fmt.Fprintln(w, "\nnot in it: Kafka, HBase, OSS, MongoDB, logs and traffic; queries and publishing over HTTP")
}

// Render prints a plan for people.
func (p Plan) Render(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(table, "%s\t"+format+"\n", append([]any{name}, args...)...)
	}
	row("input topic", "%s partitions", Number(p.Partitions))
	row("event stream", "%s tasks, %s pushes/s, %s of them at a time", Number(p.Tasks), Number(p.Pushes), Number(p.Deliveries))
	row("instances", "%s, with %s GB together", Number(p.Instances), Number(p.MemoryGB))
	row("HBase", "%s regions on %s servers, %s rows/s in %s calls/s, %s GB", Number(p.Regions), Number(p.Servers), Number(p.Rows),
		Number(p.Requests), Number(p.StoredGB))
	row("network", "Kafka in %s and out %s Mbit/s, HBase in %s Mbit/s", Number(p.KafkaIn/1e6), Number(p.KafkaOut/1e6), Number(p.ToHBase/1e6))
	for _, b := range p.Bills {
		row("a month, "+b.Site, "%s %s: compute %s, stream %s", b.Currency, Amount(b.Total), Amount(&b.Compute), Amount(b.Stream()))
	}
	for i, l := range p.Limits {
		row(map[bool]string{true: "first limit met", false: "then"}[i == 0], "%s, at %s records/s (%s of %s needed now): %s",
			l.Name, Number(l.MetAt), Number(l.Needs), Number(l.Most), l.Remedy)
	}
	for _, remark := range p.Remarks {
		row("mind", "%s", remark)
	}
	_ = table.Flush()
	fmt.Fprintf(w, "\nreckoned with %s bytes in a push, %s in the output topic and %s in HBase for each record, before compression and\n"+
		"replication, and %s rows/s a region server\n", Number(p.OneRecord.Event), Number(p.OneRecord.Output), Number(p.OneRecord.Rows),
		Number(p.Keyspace.RowsPerServer))
}

// Stream is the cheaper way of the event stream, nil where one is unknown.
func (b Bill) Stream() *float64 {
	if b.ByVolume == nil || b.ByCapacity == nil {
		return nil
	}
	cheaper := min(*b.ByVolume, *b.ByCapacity)
	return &cheaper
}

// Amount is a price for people.
func Amount(amount *float64) string {
	if amount == nil {
		return "unknown"
	}
	return Number(*amount)
}

func countOf(units float64) string {
	if math.IsNaN(units) {
		return ""
	}
	return Number(units)
}

// Number writes a number with three digits or, from a hundred on, without fractions and with commas.
func Number(n float64) string {
	if math.Abs(n) < 100 {
		return strconv.FormatFloat(n, 'g', 3, 64)
	}
	digits := strconv.FormatFloat(math.Round(n), 'f', 0, 64)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
