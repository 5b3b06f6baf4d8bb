package audit

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"feedstream/shared/feed"
)

// A report names the first ten of each kind of fault, counts all, and says what to do about each kind.
func TestFirstFaultsOfEachKind(t *testing.T) {
	f := faults{topics: feed.DefaultTopics()}
	for _, k := range kinds {
		if k.kind == Apart {
			continue
		}
		for i := range 25 {
			f.add(k.kind, 2, "%s %d", k.kind, i)
		}
	}
	all := f.list()
	if len(all) != len(kinds)-1 {
		t.Fatalf("%d kinds, want %d", len(all), len(kinds)-1)
	}
	for i, fault := range all {
		if want := kinds[i+1].kind; fault.Kind != want || fault.Found != 50 || len(fault.First) != firstFaults ||
			fault.First[9] != fmt.Sprintf("%s 9", want) {
			t.Errorf("fault %d = %+v, want one of kind %s", i, fault, want)
		}
		if fault.Means == "" || fault.Remedy == "" || strings.Contains(fault.Means+fault.Remedy, "PUT") {
			t.Errorf("kind %s: %q, remedy %q", fault.Kind, fault.Means, fault.Remedy)
		}
		var text strings.Builder
		fault.render(&text)
		if !strings.Contains(text.String(), "and 30 more") || !strings.Contains(text.String(), "what to do: "+fault.Remedy) {
			t.Errorf("it reads\n%s", &text)
		}
	}
	f.add(Apart, 1, "so")
	if all := f.list(); all[0].Kind != Apart || len(all) != len(kinds)-4 {
		t.Errorf("with topics apart: %+v", all)
	}
}

// Every other record is lost: the gaps are bounded, their records are all counted.
func TestManyGaps(t *testing.T) {
	const records = 4 * mostGaps
	a := auditor{
		cfg: Config{Topics: topics}, ledger: newLedger(), faults: faults{topics: topics},
		commits: map[int]int64{0: records}, all: map[int]stretch{0: {0, records}}, part: map[int]stretch{0: {0, records}},
	}
	for offset := range int64(records) {
		a.ledger.add(0, offset, exists|mark(offset%2)*matched)
	}
	a.judge()
	if a.report.Missing != records/2 || len(a.report.Gaps) != mostGaps || a.report.Balanced {
		t.Errorf("missing %d, %d gaps", a.report.Missing, len(a.report.Gaps))
	}
	if f := a.report.Faults[0]; len(a.report.Faults) != 1 || f.Found != records/2 || f.First[0] != "feed-updates/0/0" {
		t.Errorf("faults = %+v", a.report.Faults)
	}
	data, err := json.Marshal(a.report)
	if err != nil || !strings.Contains(string(data), `"kind":"missing","found":2000,"means":"`) {
		t.Errorf("%s, %v", data, err)
	}
}

// The ledger of an audit holds ten bytes a record, so that tens of millions fit.
func TestLedgerBytesPerRecord(t *testing.T) {
	const records = 1 << 20
	before := heap()
	l := newLedger()
	for offset := range int64(records) {
		l.add(int(offset%4), offset/4, exists|matched)
		l.identify(int(offset%4), offset/4, 1)
	}
	if each := (float64(heap()) - float64(before)) / records; each > 11 {
		t.Errorf("%.1f bytes a record, want 10", each)
	}
	runtime.KeepAlive(l)
}
