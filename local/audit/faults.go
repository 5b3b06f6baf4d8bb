package audit

import (
	"fmt"
	"slices"
	"strings"

	"feedstream/shared/feed"
)

// Kind is a kind of what an audit finds wrong.
type Kind string

// The kinds, in the order in which a report names them.
const (
	Apart        Kind = "topics-apart" // in place of the four that follow, which would all be of one cause
	Missing      Kind = "missing"
	Conflicting  Kind = "conflicting"
	Altered      Kind = "altered"
	Stray        Kind = "stray"
	Unreadable   Kind = "unreadable"
	RowMissing   Kind = "row-missing"
	RowWrong     Kind = "row-wrong"
	RowStray     Kind = "row-stray"
	IndexMissing Kind = "index-missing"
	IndexStray   Kind = "index-stray"
)

// Fault is all that an audit found wrong of one kind.
type Fault struct {
	Kind   Kind     `json:"kind"`
	Found  int      `json:"found"`  // how many
	Means  string   `json:"means"`  // what that is
	First  []string `json:"first"`  // the first few
	Remedy string   `json:"remedy"` // what to do about all of them
	named  int      // how many those first few are
}

// firstFaults is how many of each kind are named; all are counted.
const firstFaults = 10

// kinds says of each kind what it means and what mends it. The words in capitals
// are the names of topics.
var kinds = []struct {
	kind          Kind
	means, remedy string
}{
	{Apart, "the topics do not belong together: INPUT was deleted and made again, or is another topic of that name",
		"delete OUTPUT, QUARANTINE and DEADLETTER as well, make them again and empty table and index; or give the new " +
			"input topic a name of its own. On this machine: start with an empty --data directory"},
	{Missing, "input records that are committed and have no verdict: they are lost",
		"feed them again with `feedstream replay --from partition:offset --to partition:offset` while INPUT keeps them; " +
			"if another member is or was in the group, end it first: what it takes, no function sees"},
	{Conflicting, "output records of one input record that tell of different events",
		"two writers use OUTPUT: find the one that is not this feed's and give it a topic of its own"},
	{Altered, "output records that tell of another event than their input record",
		"compare the two; then replay the record with the functions of this release, and look for a second writer to OUTPUT"},
	{Stray, "evidence of input records that do not exist",
		"another feed writes its verdicts to OUTPUT, QUARANTINE or DEADLETTER, or INPUT has lost its end: " +
			"give each feed topics of its own"},
	{Unreadable, "records of OUTPUT, QUARANTINE or DEADLETTER that are evidence of nothing",
		"something else writes to that topic: find it by the record named, and give it a topic of its own"},
	{RowMissing, "output records without a row of their key",
		"the table was truncated, or rows were deleted: replay the newest input record of each key"},
	{RowWrong, "rows that are none of their newest output records",
		"SQL or another program has written them: replay the newest input record of each key, whose event time then wins"},
	{RowStray, "rows without an output record of their key",
		"another program has written them, or OUTPUT has lost records: delete the rows, or replay their input records"},
	{IndexMissing, "rows without an index row of the same time",
		"the index was made or emptied later than the rows: replay the newest input record of each key, which writes both"},
	{IndexStray, "index rows without a row",
		"rows were deleted without their index rows: delete these too (`feedstream doctor --live` looks at the layout)"},
}

// faults collects what is wrong.
type faults struct {
	topics feed.Topics
	found  map[Kind]*Fault
}

// add takes note of n faults of a kind, under one line.
func (f *faults) add(kind Kind, n int, format string, args ...any) {
	if f.found == nil {
		f.found = make(map[Kind]*Fault)
	}
	fault := f.found[kind]
	if fault == nil {
		fault = &Fault{Kind: kind}
		f.found[kind] = fault
	}
	fault.Found += n
	if len(fault.First) < firstFaults {
		fault.First = append(fault.First, fmt.Sprintf(format, args...))
		fault.named += n
	}
}

// list returns what was found in the order of the kinds, for machines an empty list when all is well.
func (f *faults) list() []Fault {
	all := []Fault{}
	_, apart := f.found[Apart]
	names := strings.NewReplacer("INPUT", f.topics.Input, "OUTPUT", f.topics.Output,
		"QUARANTINE", f.topics.Quarantine, "DEADLETTER", f.topics.DeadLetter)
	for _, k := range kinds {
		fault := f.found[k.kind]
		if fault == nil || apart && slices.Contains([]Kind{Missing, Conflicting, Altered, Stray}, k.kind) {
			continue
		}
		fault.Means, fault.Remedy = names.Replace(k.means), names.Replace(k.remedy)
		all = append(all, *fault)
	}
	return all
}
