package hbase

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	gofilter "github.com/tsuna/gohbase/filter"
	"github.com/tsuna/gohbase/hrpc"

	"feedstream/local/services/hbase/internal/exception"
)

func TestFilters(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Tables: []Table{{Name: "f", Families: []Family{{Name: "0", Versions: 3}}}}})
	c := connect(t, s.ZooKeeperAddr())
	for i, key := range []string{"aa", "ab", "ba", "bb"} {
		mustPut(t, c, "f", key, 10, row{"N": fmt.Sprint(i), "X": "old"})
		mustPut(t, c, "f", key, 20, row{"X": key})
	}
	mustPut(t, c, "f", "cc", 10, row{"X": "no N"})

	binary := func(v string) gofilter.Comparator {
		return gofilter.NewBinaryComparator(gofilter.NewByteArrayComparable([]byte(v)))
	}
	beginning := func(v string) gofilter.Comparator {
		return gofilter.NewBinaryPrefixComparator(gofilter.NewByteArrayComparable([]byte(v)))
	}
	compare := func(op gofilter.CompareType, c gofilter.Comparator) *gofilter.CompareFilter {
		return gofilter.NewCompareFilter(op, c)
	}
	column := func(op gofilter.CompareType, v string, ifMissing bool) gofilter.Filter {
		return gofilter.NewSingleColumnValueFilter([]byte("0"), []byte("N"), op, binary(v), ifMissing, true)
	}
	prefix := func(p string) gofilter.Filter { return gofilter.NewPrefixFilter([]byte(p)) }
	equal := func(f gofilter.Comparator) *gofilter.CompareFilter { return compare(gofilter.Equal, f) }

	tests := []struct {
		name   string
		filter gofilter.Filter
		want   string // rows, each with its cells
	}{
		{"prefix", prefix("a"), "aa[N=0 X=aa] ab[N=1 X=ab]"},
		{"first key", gofilter.NewFirstKeyOnlyFilter(), "aa[N=0] ab[N=1] ba[N=2] bb[N=3] cc[X=no N]"},
		{"key only", gofilter.NewKeyOnlyFilter(false), "aa[N= X=] ab[N= X=] ba[N= X=] bb[N= X=] cc[X=]"},
		{"key only with length", gofilter.NewKeyOnlyFilter(true),
			strings.NewReplacer("N=", "N=\x00\x00\x00\x01", "X=", "X=\x00\x00\x00\x02", "Y=", "X=\x00\x00\x00\x04").
				Replace("aa[N= X=] ab[N= X=] ba[N= X=] bb[N= X=] cc[Y=]")},
		{"page", gofilter.NewPageFilter(2), "aa[N=0 X=aa] ab[N=1 X=ab]"},
		{"column value", column(gofilter.GreaterOrEqual, "2", false), "ba[N=2 X=ba] bb[N=3 X=bb] cc[X=no N]"},
		{"column value, not missing", column(gofilter.Less, "2", true), "aa[N=0 X=aa] ab[N=1 X=ab]"},
		{"row", gofilter.NewRowFilter(compare(gofilter.Greater, binary("ab"))), "ba[N=2 X=ba] bb[N=3 X=bb] cc[X=no N]"},
		{"row contains", gofilter.NewRowFilter(equal(gofilter.NewSubstringComparator("B"))),
			"ab[N=1 X=ab] ba[N=2 X=ba] bb[N=3 X=bb]"},
		{"row begins", gofilter.NewRowFilter(equal(beginning("b"))), "ba[N=2 X=ba] bb[N=3 X=bb]"},
		{"qualifier", gofilter.NewQualifierFilter(equal(binary("N"))), "aa[N=0] ab[N=1] ba[N=2] bb[N=3]"},
		{"timestamps", gofilter.NewTimestampsFilter([]int64{20}), "aa[X=aa] ab[X=ab] ba[X=ba] bb[X=bb]"},
		{"older timestamps", gofilter.NewTimestampsFilter([]int64{10}),
			"aa[N=0 X=old] ab[N=1 X=old] ba[N=2 X=old] bb[N=3 X=old] cc[X=no N]"},
		{"all of", gofilter.NewList(gofilter.MustPassAll, prefix("a"), column(gofilter.Equal, "1", true)), "ab[N=1 X=ab]"},
		{"any of", gofilter.NewList(gofilter.MustPassOne, prefix("aa"), prefix("bb")), "aa[N=0 X=aa] bb[N=3 X=bb]"},
		{"any of column values",
			gofilter.NewList(gofilter.MustPassOne, column(gofilter.Equal, "0", true), column(gofilter.Equal, "3", true)),
			"aa[N=0 X=aa] bb[N=3 X=bb]"},
		{"nested", gofilter.NewList(gofilter.MustPassAll, gofilter.NewList(gofilter.MustPassOne, prefix("aa"), prefix("b")),
			gofilter.NewKeyOnlyFilter(false), gofilter.NewFirstKeyOnlyFilter()),
			"aa[N=] ba[N=] bb[N=]"},
		{"row ranges", gofilter.NewMultiRowRangeFilter([]*gofilter.RowRange{
			gofilter.NewRowRange([]byte("aa"), []byte("ab"), true, true),
			gofilter.NewRowRange([]byte("ba"), []byte("cc"), false, false)}),
			"aa[N=0 X=aa] ab[N=1 X=ab] bb[N=3 X=bb]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, line := range scan(t, c, "f", "", "", hrpc.Filters(test.filter)) {
				line = strings.NewReplacer(": [", "[", "@10=", "=", "@20=", "=").Replace(line)
				got = append(got, line)
			}
			if joined := strings.Join(got, " "); joined != test.want {
				t.Errorf("got  %q\nwant %q", joined, test.want)
			}
		})
	}
}

func TestUnknownFiltersAreRefusedByName(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t, Options{}).ZooKeeperAddr())
	regex := gofilter.NewRegexStringComparator("a.*", 0, "UTF-8", "JAVA")
	for want, f := range map[string]gofilter.Filter{
		"RandomRowFilter":       gofilter.NewRandomRowFilter(0.5),
		"RegexStringComparator": gofilter.NewRowFilter(gofilter.NewCompareFilter(gofilter.Equal, regex)),
		"WhileMatchFilter":      gofilter.NewWhileMatchFilter(gofilter.NewPrefixFilter(nil)),
	} {
		s, err := hrpc.NewScanStr(deadline(t), stock, hrpc.Filters(f))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Scan(s).Next()
		wantError(t, err, want, exception.DoNotRetryIO)
	}
}

// TestNestedFiltersAreBounded has lists within lists: each keeps a copy of what is in it.
func TestNestedFiltersAreBounded(t *testing.T) {
	t.Parallel()
	c := connect(t, start(t, Options{}).ZooKeeperAddr())
	for _, depth := range []int{64, 65} {
		f := gofilter.Filter(gofilter.NewPrefixFilter(nil))
		for range depth {
			f = gofilter.NewList(gofilter.MustPassAll, f)
		}
		s, err := hrpc.NewScanStr(deadline(t), stock, hrpc.Filters(f))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Scan(s).Next()
		if depth == 65 {
			wantError(t, err, "nested over 64 deep", exception.DoNotRetryIO)
		} else if !errors.Is(err, io.EOF) {
			t.Errorf("%d lists: %v", depth, err)
		}
	}
}
