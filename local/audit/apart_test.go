package audit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	feedkafka "feedstream/shared/kafka"
)

// madeAgain puts a new input topic of n records a partition in the place of the world's, two hours later.
// All of them are enriched.
func (w *world) madeAgain(n int) {
	const hours = 2 * 3_600_000
	w.commits = map[int32]int64{0: int64(n), 1: int64(n)}
	for p := range w.inputs {
		w.inputs[p] = nil
		for i := range n {
			w.inputs[p] = append(w.inputs[p], event(fmt.Sprint("c", p), "0002.HK", hours+int64(i)))
			r := w.record(p, int64(i), nil, "v2")
			w.later = append(w.later, feedkafka.RecordMessage(topics.Output, &r))
			w.putRow(r)
		}
	}
}

// The input topic was deleted and made again: that is one fault, not one for each record.
func TestTopicsThatDoNotBelongTogether(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(w *world)
		apart bool
		from  string
	}{
		{"and is empty", func(w *world) { w.madeAgain(0) }, true, ""},
		{"and has fewer records", func(w *world) { w.madeAgain(2) }, true, ""},
		{"and has as many", func(w *world) { w.madeAgain(10) }, true, ""},
		{"and has far more", func(w *world) { w.madeAgain(100) }, true, ""},
		{"and the new records are pending", func(w *world) { w.madeAgain(20); w.later, w.commits = nil, nil }, true, ""},
		{"with fewer partitions", func(w *world) {
			w.madeAgain(3)
			for p := range 5 {
				w.deadLetter(strings.Repeat(" ", p) + deadLetter(2+p, 0))
			}
		}, true, ""},

		{"not, one verdict is of no record", func(w *world) { w.deadLetter(deadLetter(0, 30)) }, false, ""},
		{"not, one of the verdicts of a stretch is of no record", func(w *world) {
			w.deadLetter(deadLetter(0, 30))
		}, false, "0:9"},
		{"not, the publishers' clocks are ahead", func(w *world) {
			for _, records := range w.inputs {
				for _, r := range records {
					r.Timestamp = r.Timestamp.Add(24 * time.Hour)
				}
			}
			w.deadLetter(deadLetter(0, 30))
			w.inputs[0][3] = event("a3", "2318.HK", 33)
		}, false, ""},
		{"not, one output record is of another event, and the clock was wrong", func(w *world) {
			w.inputs[0][3] = event("a3", "2318.HK", 33)
			w.inputs[0][0].Timestamp = noon.Add(24 * time.Hour)
		}, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := balancedWorld()
			test.spoil(w)
			s := startKafka(t)
			w.write(t, s)
			r := run(t, s, w, test.from, "")
			if r.Balanced {
				t.Fatal("balanced")
			}
			apart := len(r.Faults) == 1 && r.Faults[0].Kind == Apart
			if apart != test.apart {
				t.Errorf("faults = %+v", r.Faults)
			}
			text := rendered(&r)
			if apart && (strings.Count(text, "✗") != 1 || !strings.Contains(text, "was deleted and made again") ||
				!strings.Contains(text, "delete feed-records, feed-quarantine and feed-deadletter as well")) {
				t.Errorf("report:\n%s", text)
			}
		})
	}
}
