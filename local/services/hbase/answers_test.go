package hbase

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tsuna/gohbase"
	gofilter "github.com/tsuna/gohbase/filter"
	"github.com/tsuna/gohbase/hrpc"
)

var record = flag.String("record", "", "host:port of a real HBase's ZooKeeper; its answers become testdata/answers.json")

const answersFile = "testdata/answers.json"

// TestAnswersAreThoseOfHBase writes a seeded history of puts and deletes and then asks many questions. The answers
// expected were recorded from HBase 2.6.1 by the same code.
func TestAnswersAreThoseOfHBase(t *testing.T) {
	zookeeper := *record
	if zookeeper == "" {
		t.Parallel()
		zookeeper = start(t, Options{}).ZooKeeperAddr()
	}
	got := ask(t, zookeeper)
	if *record != "" {
		b, err := json.MarshalIndent(got, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(answersFile, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(answersFile)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]string
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("HBase's answers (-) and ours (+):\n%s", diff)
	}
}

const answersTable = "answers"

// ask runs the history on an HBase without the table and returns the answers by question.
func ask(t *testing.T, zookeeper string) map[string][]string {
	t.Helper()
	admin := gohbase.NewAdminClient(zookeeper, quiet())
	err := admin.CreateTable(hrpc.NewCreateTable(deadline(t), []byte(answersTable),
		map[string]map[string]string{"0": {"VERSIONS": "3"}, "1": {"VERSIONS": "1"}},
		hrpc.SplitKeys([][]byte{[]byte("r3"), []byte("r6")})))
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, zookeeper)
	writeHistory(t, c)
	answers := map[string][]string{}
	for name, options := range readOptions() {
		for i := range 9 {
			key := fmt.Sprint("r", i)
			answers["get "+key+" "+name] = tryGet(t, c, key, options)
		}
		for _, span := range [][2]string{{"", ""}, {"r2", "r7"}, {"r5", "r5"}} {
			answers[fmt.Sprintf("scan %q-%q %s", span[0], span[1], name)] = tryScan(t, c, span[0], span[1], options)
		}
		for _, span := range [][2]string{{"r9", ""}, {"r7", "r2"}} {
			if strings.Contains(name, "value") { // HBase refuses it over two families: "Reverse scan with loading CFs on demand"
				continue
			}
			answers[fmt.Sprintf("reversed %q-%q %s", span[0], span[1], name)] =
				tryScan(t, c, span[0], span[1], append(options[:len(options):len(options)], hrpc.Reversed()))
		}
	}
	return answers
}

// writeHistory puts and deletes at explicit times, so that every server ends with the same cells. No column gets
// more puts than the embedded server keeps.
func writeHistory(t *testing.T, c gohbase.Client) {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 2026))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	for n := range 300 {
		key, family, qualifier := fmt.Sprint("r", random.IntN(8)), pick("0", "0", "1"), pick("A", "B", "")
		at := hrpc.TimestampUint64(uint64(10 * (1 + random.IntN(5))))
		column := map[string]map[string][]byte{family: {qualifier: nil}}
		var options []func(hrpc.Call) error
		var values map[string]map[string][]byte
		switch random.IntN(12) {
		case 0:
			values, options = column, []func(hrpc.Call) error{at}
		case 1:
			values, options = column, []func(hrpc.Call) error{at, hrpc.DeleteOneVersion()}
		case 2:
			if random.IntN(4) == 0 {
				values, options = map[string]map[string][]byte{family: nil}, []func(hrpc.Call) error{at}
			} else {
				values, options = map[string]map[string][]byte{family: nil}, []func(hrpc.Call) error{at, hrpc.DeleteOneVersion()}
			}
		default:
			value := fmt.Sprint(n)
			if random.IntN(10) == 0 {
				value = ""
			}
			values = map[string]map[string][]byte{family: {qualifier: []byte(value)}}
			m, err := hrpc.NewPutStr(deadline(t), answersTable, key, values, at)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Put(m); err != nil {
				t.Fatal(err)
			}
			continue
		}
		m, err := hrpc.NewDelStr(deadline(t), answersTable, key, values, options...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Delete(m); err != nil {
			t.Fatal(err)
		}
	}
}

func readOptions() map[string][]func(hrpc.Call) error {
	type options = []func(hrpc.Call) error
	families := func(f map[string][]string) func(hrpc.Call) error { return hrpc.Families(f) }
	binary := func(v string) gofilter.Comparator {
		return gofilter.NewBinaryComparator(gofilter.NewByteArrayComparable([]byte(v)))
	}
	filtered := func(f gofilter.Filter) func(hrpc.Call) error { return hrpc.Filters(f) }
	value := func(op gofilter.CompareType, missing, latest bool) gofilter.Filter {
		return gofilter.NewSingleColumnValueFilter([]byte("0"), []byte("A"), op, binary("15"), missing, latest)
	}
	prefix := func(p string) gofilter.Filter { return gofilter.NewPrefixFilter([]byte(p)) }
	qualifier := gofilter.NewQualifierFilter(gofilter.NewCompareFilter(gofilter.Greater, binary("A")))
	row := gofilter.NewRowFilter(gofilter.NewCompareFilter(gofilter.LessOrEqual, binary("r4")))
	all := func(f ...gofilter.Filter) gofilter.Filter { return gofilter.NewList(gofilter.MustPassAll, f...) }
	one := func(f ...gofilter.Filter) gofilter.Filter { return gofilter.NewList(gofilter.MustPassOne, f...) }
	return map[string]options{
		"newest":               nil,
		"2 versions":           {hrpc.MaxVersions(2)},
		"9 versions":           {hrpc.MaxVersions(9)},
		"until 30":             {hrpc.TimeRangeUint64(0, 30)},
		"20 to 40":             {hrpc.TimeRangeUint64(20, 40), hrpc.MaxVersions(9)},
		"until 11":             {hrpc.TimeRangeUint64(0, 11), hrpc.MaxVersions(9)},
		"from 50":              {hrpc.TimeRangeUint64(50, 60)},
		"family 1":             {families(map[string][]string{"1": nil})},
		"A of 0":               {families(map[string][]string{"0": {"A"}}), hrpc.MaxVersions(9)},
		"A, empty of 0, 1":     {families(map[string][]string{"0": {"A", ""}, "1": nil}), hrpc.MaxVersions(9)},
		"1 cell of a family":   {hrpc.MaxResultsPerColumnFamily(1), hrpc.MaxVersions(9)},
		"2 cells from 1":       {hrpc.MaxResultsPerColumnFamily(2), hrpc.ResultOffset(1), hrpc.MaxVersions(9)},
		"unknown family":       {families(map[string][]string{"9": nil})},
		"first key":            {filtered(gofilter.NewFirstKeyOnlyFilter()), hrpc.MaxVersions(9)},
		"key only":             {filtered(gofilter.NewKeyOnlyFilter(false))},
		"key and length":       {filtered(gofilter.NewKeyOnlyFilter(true)), hrpc.MaxVersions(2)},
		"page of 2":            {filtered(gofilter.NewPageFilter(2))},
		"prefix":               {filtered(prefix("r4"))},
		"row":                  {filtered(row)},
		"qualifier":            {filtered(qualifier), hrpc.MaxVersions(9)},
		"timestamps":           {filtered(gofilter.NewTimestampsFilter([]int64{10, 40}))},
		"timestamps, versions": {filtered(gofilter.NewTimestampsFilter([]int64{10, 30, 40})), hrpc.MaxVersions(2)},
		"value less":           {filtered(value(gofilter.Less, false, true))},
		"value greater":        {filtered(value(gofilter.Greater, true, true)), hrpc.MaxVersions(9)},
		"any version's value":  {filtered(value(gofilter.Less, true, false)), hrpc.MaxVersions(9)},
		"value unequal":        {filtered(value(gofilter.NotEqual, true, true))},
		"all":                  {filtered(all(row, qualifier)), hrpc.MaxVersions(9)},
		"all with page":        {filtered(all(prefix("r"), gofilter.NewPageFilter(1)))},
		"all key only":         {filtered(all(gofilter.NewFirstKeyOnlyFilter(), gofilter.NewKeyOnlyFilter(false)))},
		"one":                  {filtered(one(prefix("r1"), qualifier))},
		"one of rows":          {filtered(one(prefix("r1"), prefix("r7"), row))},
		"one of values":        {filtered(one(value(gofilter.Less, true, true), value(gofilter.Greater, true, true)))},
		"nested":               {filtered(all(one(prefix("r1"), prefix("r5")), one(qualifier, gofilter.NewTimestampsFilter([]int64{50}))))},
		"ranges": {filtered(gofilter.NewMultiRowRangeFilter([]*gofilter.RowRange{
			gofilter.NewRowRange([]byte("r1"), []byte("r3"), true, false),
			gofilter.NewRowRange([]byte("r4"), []byte("r6"), false, true)}))},
	}
}

func tryGet(t *testing.T, c gohbase.Client, key string, options []func(hrpc.Call) error) []string {
	t.Helper()
	g, err := hrpc.NewGetStr(deadline(t), answersTable, key, options...)
	if err != nil { // an option of scans only
		return nil
	}
	r, err := c.Get(g)
	if err != nil {
		return []string{class(err)}
	}
	return showFamilies(r.Cells)
}

func tryScan(t *testing.T, c gohbase.Client, from, to string, options []func(hrpc.Call) error) []string {
	t.Helper()
	s, err := hrpc.NewScanRangeStr(deadline(t), answersTable, from, to, options...)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	scanner := c.Scan(s)
	for {
		r, err := scanner.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			return append(out, class(err))
		}
		out = append(out, string(r.Cells[0].Row)+" "+strings.Join(showFamilies(r.Cells), " "))
	}
}

// class is the Java class in an error.
func class(err error) string {
	text, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "HBase Java exception "), ":")
	return "error " + text
}

func showFamilies(cells []*hrpc.Cell) []string {
	var out []string
	for _, c := range cells {
		out = append(out, fmt.Sprintf("%s:%s@%d=%q", c.Family, c.Qualifier, *c.Timestamp, c.Value))
	}
	return out
}
